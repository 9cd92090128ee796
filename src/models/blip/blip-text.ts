/**
 * BLIP's text transformer (transformers BlipTextModel): BERT's post-norm layers, each with a second attention to the
 * states of something else. It reads questions next to an image, and writes answers next to a question.
 *
 * Letters: L tokens, M states attended to.
 */
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { ParameterSpec, Weights } from '../../engine/weights.ts';
import { layerNorm } from '../clip/clip-layers.ts';
import { refuseUnsupported, requireMultiple, size } from '../layers/config-fields.ts';
import { embedding, linear, norm } from '../layers/parameter-lists.ts';

export interface BlipTextConfig {
  vocabSize: number;
  maxPositions: number;
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  layerNormEps: number;
}

export interface BlipTextInput {
  /** B rows of equal length L, at most config.maxPositions. */
  ids: readonly (readonly number[])[];
  /** Which tokens see which, as in Kernels.attention. */
  mask?: Tensor;
  /** [B, M, width of the states], or [1, M, width] where all rows see the same and all of it. */
  states: Tensor;
  /** Which states the tokens see. */
  statesMask?: Tensor;
}

const CONFIG = 'BLIP text_config';
/** What transformers takes for a field that is not in the file (BlipTextConfig). */
const DEFAULTS = {
  vocab_size: 30524,
  max_position_embeddings: 512,
  hidden_size: 768,
  intermediate_size: 3072,
  num_hidden_layers: 12,
  num_attention_heads: 8,
  layer_norm_eps: 1e-12,
};

/** Throws DIPTYCH_BAD_MODEL that quotes the field. */
export function parseBlipTextConfig(json: Record<string, unknown>): BlipTextConfig {
  refuseUnsupported(CONFIG, json, {
    hidden_act: ['gelu'],
    is_decoder: [true],
    position_embedding_type: ['absolute'],
  });
  const full = { ...DEFAULTS, ...json };
  requireMultiple(CONFIG, full, 'hidden_size', 'num_attention_heads');
  return {
    vocabSize: size(CONFIG, full, 'vocab_size'),
    maxPositions: size(CONFIG, full, 'max_position_embeddings'),
    hiddenSize: size(CONFIG, full, 'hidden_size'),
    intermediateSize: size(CONFIG, full, 'intermediate_size'),
    layers: size(CONFIG, full, 'num_hidden_layers'),
    heads: size(CONFIG, full, 'num_attention_heads'),
    layerNormEps: full.layer_norm_eps,
  };
}

/** `stateWidth`: width of the states that its cross-attention reads. */
export function blipTextParameters(
  prefix: string,
  config: BlipTextConfig,
  stateWidth: number,
): ParameterSpec[] {
  const { hiddenSize: width, intermediateSize } = config;
  const attention = (name: string, source: number) => [
    ...linear(`${name}.self.query`, width, width),
    ...linear(`${name}.self.key`, source, width),
    ...linear(`${name}.self.value`, source, width),
    ...linear(`${name}.output.dense`, width, width),
    ...norm(`${name}.output.LayerNorm`, width),
  ];
  return [
    embedding(`${prefix}embeddings.word_embeddings`, config.vocabSize, width),
    embedding(`${prefix}embeddings.position_embeddings`, config.maxPositions, width),
    ...norm(`${prefix}embeddings.LayerNorm`, width),
    ...Array.from({ length: config.layers }, (_, i) => `${prefix}encoder.layer.${i}`).flatMap((layer) => [
      ...attention(`${layer}.attention`, width),
      ...attention(`${layer}.crossattention`, stateWidth),
      ...linear(`${layer}.intermediate.dense`, width, intermediateSize),
      ...linear(`${layer}.output.dense`, intermediateSize, width),
      ...norm(`${layer}.output.LayerNorm`, width),
    ]),
  ];
}

/** States of the tokens after the last layer: [B, L, D]. */
export function blipTextStates(
  engine: Engine,
  prefix: string,
  config: BlipTextConfig,
  weights: Weights,
  { ids, mask, states, statesMask }: BlipTextInput,
): Tensor {
  const k = engine.kernels;
  const dense = (name: string, x: Tensor) => k.linear(x, weights[`${name}.weight`]!, weights[`${name}.bias`]);
  const normed = (name: string, x: Tensor) => layerNorm(k, weights, name, x, config.layerNormEps);
  /** h plus what it becomes, normed: the end of every part of a layer. */
  const joined = (name: string, x: Tensor, h: Tensor) =>
    normed(`${name}.output.LayerNorm`, dense(`${name}.output.dense`, x).add(h));
  const attend = (name: string, h: Tensor, source: Tensor, mask?: Tensor) => {
    const [query, key, value] = [
      dense(`${name}.self.query`, h),
      dense(`${name}.self.key`, source),
      dense(`${name}.self.value`, source),
    ];
    // What all rows look at is read once: without a mask, rows may as well stand in one row.
    const shared = key.shape[0] === 1 && mask === undefined;
    const asked = shared ? query.reshape([1, -1, config.hiddenSize]) : query;
    const seen = k.attention(asked, key, value, config.heads, mask).reshape(h.shape) as Tensor;
    return joined(name, seen, h);
  };
  let h = normed(`${prefix}embeddings.LayerNorm`, embedded(engine, prefix, config, weights, ids));
  for (let i = 0; i < config.layers; i++) {
    const layer = `${prefix}encoder.layer.${i}`;
    h = attend(`${layer}.attention`, h, h, mask);
    h = attend(`${layer}.crossattention`, h, states, statesMask);
    h = joined(layer, k.gelu(dense(`${layer}.intermediate.dense`, h)), h);
  }
  return h;
}

/** Word plus position: [B, L, D]. */
function embedded(
  { tf }: Engine,
  prefix: string,
  { hiddenSize }: BlipTextConfig,
  weights: Weights,
  ids: BlipTextInput['ids'],
): Tensor {
  const [batch, length] = [ids.length, ids[0]!.length];
  const words = weights[`${prefix}embeddings.word_embeddings.weight`]!;
  const positions = weights[`${prefix}embeddings.position_embeddings.weight`]!;
  return tf
    .gather(words, tf.tensor1d(ids.flat(), 'int32'))
    .reshape([batch, length, hiddenSize])
    .add(tf.slice(positions, [0, 0], [length, hiddenSize]));
}

/** CLIPTextModel and CLIPTextModelWithProjection (transformers) as functions of named weights. */
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { ParameterSpec, Weights } from '../../engine/weights.ts';
import { causalMask, paddingMask } from '../layers/attention-masks.ts';
import { embedding, linear, norm } from '../layers/parameter-lists.ts';
import { type ClipTowerConfig, layerNorm, parseTower, towerParameters, towerStates } from './clip-layers.ts';

export interface ClipTextConfig extends ClipTowerConfig {
  vocabSize: number;
  maxPositions: number;
  eosTokenId: number;
  /** Width of the text embedding; null for a model without projection. */
  projectionDim: number | null;
}

export interface TextStates {
  /** [B, L, D], after the final layer norm: what SD1.5 conditions on. */
  last: Tensor;
  /** [B, L, D], hidden_states[-2], no final norm: what SDXL conditions on. */
  penultimate: Tensor;
  /** [B, D]: the final-norm state at the end-of-text position. */
  pooled: Tensor;
  /** [B, projectionDim]: pooled times text_projection; null without projection. */
  embeds: Tensor | null;
}

/**
 * The value that published configs carry although their tokenizers end texts with another id: the text ends at the
 * largest id.
 */
export const LEGACY_EOS = 2;
const PREFIX = 'text_model.';

export function parseClipTextConfig(
  json: Record<string, unknown>,
  projected = (json.architectures as string[] | undefined)?.includes('CLIPTextModelWithProjection') ?? false,
): ClipTextConfig {
  return {
    ...parseTower(json),
    vocabSize: json.vocab_size as number,
    maxPositions: json.max_position_embeddings as number,
    eosTokenId: (json.eos_token_id as number | undefined) ?? LEGACY_EOS,
    projectionDim: projected ? (json.projection_dim as number) : null,
  };
}

export function clipTextParameters(config: ClipTextConfig): ParameterSpec[] {
  return [
    embedding(`${PREFIX}embeddings.token_embedding`, config.vocabSize, config.hiddenSize),
    embedding(`${PREFIX}embeddings.position_embedding`, config.maxPositions, config.hiddenSize),
    ...towerParameters(PREFIX, config),
    ...norm(`${PREFIX}final_layer_norm`, config.hiddenSize),
    ...(config.projectionDim === null
      ? []
      : linear('text_projection', config.hiddenSize, config.projectionDim, false)),
  ];
}

/** transformers 5 writes a lone text model without the prefix; both kinds of file load. */
export const textAlias = (name: string): string[] =>
  name.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : [];

/**
 * `ids`: B rows of equal length L, at most config.maxPositions. `attended`: as many rows of 1 for a token and 0 for
 * padding; without it padding is attended to like text, as Stable Diffusion does.
 */
export function clipTextForward(
  engine: Engine,
  config: ClipTextConfig,
  weights: Weights,
  ids: readonly (readonly number[])[],
  attended?: readonly (readonly number[])[],
): TextStates {
  const { tf, kernels } = engine;
  const [batch, length] = [ids.length, ids[0]!.length];
  const flat = tf.tensor1d(ids.flat(), 'int32');
  const width = config.hiddenSize;
  const tokens = tf.gather(weights[`${PREFIX}embeddings.token_embedding.weight`]!, flat);
  const positions = tf.slice(
    weights[`${PREFIX}embeddings.position_embedding.weight`]!,
    [0, 0],
    [length, width],
  );
  const embedded = tokens.reshape([batch, length, width]).add(positions) as Tensor;
  const causal = causalMask(engine, length);
  const mask = attended ? causal.add(paddingMask(engine, attended)) : causal;
  const states = towerStates(engine, PREFIX, config, weights, embedded, mask as Tensor);
  const last = layerNorm(kernels, weights, `${PREFIX}final_layer_norm`, states.at(-1)!, config.layerNormEps);
  const ends = ids.map((row, i) => i * length + endPosition(row, config.eosTokenId));
  const pooled = tf.gather(last.reshape([batch * length, width]), tf.tensor1d(ends, 'int32')) as Tensor;
  const embeds =
    config.projectionDim === null ? null : kernels.linear(pooled, weights['text_projection.weight']!);
  return { last, penultimate: states.at(-2)!, pooled, embeds };
}

/** Position of the first end-of-text id; with the legacy id, of the largest id. */
function endPosition(row: readonly number[], eos: number): number {
  return row.indexOf(eos === LEGACY_EOS ? Math.max(...row) : eos);
}

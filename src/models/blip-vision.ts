/** BLIP's vision transformer (transformers BlipVisionModel) as a function of named weights. */
import type { Engine, Tensor } from '../engine/engine.ts';
import type { ParameterSpec, Weights } from '../engine/weights.ts';
import { type ClipTowerConfig, layerNorm, parseTower, towerStates } from './clip-layers.ts';
import { refuseUnsupported, requireMultiple, size } from './config-fields.ts';
import { conv, linear, norm } from './parameter-lists.ts';
import { patchTokens } from './patch-tokens.ts';

export interface BlipVisionConfig extends ClipTowerConfig {
  imageSize: number;
  patchSize: number;
}

const PREFIX = 'vision_model.';
const CONFIG = 'BLIP vision_config';
/** What transformers takes for a field that is not in the file (BlipVisionConfig). */
const DEFAULTS = {
  hidden_size: 768,
  intermediate_size: 3072,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  image_size: 384,
  patch_size: 16,
  hidden_act: 'gelu',
};

/** Throws DIPTYCH_BAD_MODEL that quotes the field. */
export function parseBlipVisionConfig(json: Record<string, unknown>): BlipVisionConfig {
  const full = { ...DEFAULTS, ...json };
  refuseUnsupported(CONFIG, full, { hidden_act: ['gelu'], num_channels: [3] });
  for (const field of ['intermediate_size', 'num_hidden_layers']) size(CONFIG, full, field);
  requireMultiple(CONFIG, full, 'hidden_size', 'num_attention_heads');
  requireMultiple(CONFIG, full, 'image_size', 'patch_size');
  return { ...parseTower(full), imageSize: full.image_size, patchSize: full.patch_size };
}

export function blipVisionParameters(config: BlipVisionConfig): ParameterSpec[] {
  const { hiddenSize: width, intermediateSize, patchSize } = config;
  const tokens = 1 + (config.imageSize / patchSize) ** 2;
  return [
    { name: `${PREFIX}embeddings.class_embedding`, shape: [1, 1, width], kind: 'vector' },
    { name: `${PREFIX}embeddings.position_embedding`, shape: [1, tokens, width], kind: 'vector' },
    ...conv(`${PREFIX}embeddings.patch_embedding`, 3, width, patchSize),
    ...layerNames(config).flatMap((layer) => [
      ...linear(`${layer}.self_attn.qkv`, width, 3 * width),
      ...linear(`${layer}.self_attn.projection`, width, width),
      ...norm(`${layer}.layer_norm1`, width),
      ...linear(`${layer}.mlp.fc1`, width, intermediateSize),
      ...linear(`${layer}.mlp.fc2`, intermediateSize, width),
      ...norm(`${layer}.layer_norm2`, width),
    ]),
    ...norm(`${PREFIX}post_layernorm`, width),
  ];
}

/** Normalised pixels [B, S, S, 3] to states [B, 1 + N, D] of the class token and the N patches, after the final norm. */
export function blipVisionStates(
  engine: Engine,
  config: BlipVisionConfig,
  weights: Weights,
  pixels: Tensor,
): Tensor {
  const embeddings = `${PREFIX}embeddings.`;
  const patch = {
    kernel: weights[`${embeddings}patch_embedding.weight`]!,
    bias: weights[`${embeddings}patch_embedding.bias`]!,
    first: weights[`${embeddings}class_embedding`]!,
    positions: weights[`${embeddings}position_embedding`]!,
  };
  const tokens = patchTokens(engine, patch, pixels);
  const states = towerStates(engine, PREFIX, config, asClipLayers(engine, config, weights), tokens);
  return layerNorm(engine.kernels, weights, `${PREFIX}post_layernorm`, states.at(-1)!, config.layerNormEps);
}

const layerNames = ({ layers }: BlipVisionConfig) =>
  Array.from({ length: layers }, (_, i) => `${PREFIX}encoder.layers.${i}`);

/** The layers are CLIP's, but for queries, keys and values side by side in one matrix and another name of the output. */
function asClipLayers({ tf }: Engine, config: BlipVisionConfig, weights: Weights): Weights {
  const renamed: Weights = { ...weights };
  for (const layer of layerNames(config)) {
    for (const part of ['weight', 'bias']) {
      const qkv = tf.split(weights[`${layer}.self_attn.qkv.${part}`]!, 3, -1);
      for (const [i, name] of ['q_proj', 'k_proj', 'v_proj'].entries())
        renamed[`${layer}.self_attn.${name}.${part}`] = qkv[i]!;
      renamed[`${layer}.self_attn.out_proj.${part}`] = weights[`${layer}.self_attn.projection.${part}`]!;
    }
  }
  return renamed;
}

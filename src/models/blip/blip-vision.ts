/** BLIP's vision transformer (transformers BlipVisionModel) as a function of named weights. */
import type { Engine, Tensor } from '../../engine/engine.ts';
import { type LoadOptions, loadWeights, type ParameterSpec, type Weights } from '../../engine/weights.ts';
import { type ClipTowerConfig, layerNorm, parseTower, towerStates } from '../clip/clip-layers.ts';
import { refuseUnsupported, requireMultiple, size } from '../layers/config-fields.ts';
import { conv, linear, norm } from '../layers/parameter-lists.ts';
import { patchTokens } from '../layers/patch-tokens.ts';

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

/** As the file has them: queries, keys and values side by side in one matrix. See `loadBlipWeights`. */
export function blipVisionParameters(config: BlipVisionConfig): ParameterSpec[] {
  const { hiddenSize: width, intermediateSize, patchSize } = config;
  const tokens = 1 + (config.imageSize / patchSize) ** 2;
  return [
    { name: `${PREFIX}embeddings.class_embedding`, shape: [1, 1, width], kind: 'vector' },
    { name: `${PREFIX}embeddings.position_embedding`, shape: [1, tokens, width], kind: 'vector' },
    ...conv(`${PREFIX}embeddings.patch_embedding`, 3, width, patchSize),
    ...Array.from({ length: config.layers }, (_, i) => `${PREFIX}encoder.layers.${i}`).flatMap((layer) => [
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

/**
 * Weights of a model with this tower under the file's names, but those of the tower's layers under the names that
 * CLIP's have (`clip-layers.ts`): each joined matrix is taken apart once, here. Throws as `loadWeights` does.
 */
export async function loadBlipWeights(
  engine: Engine,
  files: string | readonly string[],
  specs: readonly ParameterSpec[],
  options?: LoadOptions,
): Promise<Weights> {
  const { tf } = engine;
  const weights: Weights = {};
  for (const [name, tensor] of Object.entries(await loadWeights(engine, files, specs, options))) {
    const [, layer, part] = /^(vision_model\..*\.self_attn\.)qkv(\..*)$/.exec(name) ?? [];
    if (layer === undefined) {
      weights[name.replace('.self_attn.projection.', '.self_attn.out_proj.')] = tensor;
      continue;
    }
    const parts = tf.split(tensor, 3, -1);
    for (const [i, letter] of ['q', 'k', 'v'].entries())
      weights[`${layer}${letter}_proj${part}`] = tf.keep(parts[i]!);
    tensor.dispose();
  }
  return weights;
}

/**
 * Normalised pixels [B, S, S, 3] to states [B, 1 + N, D] of the class token and the N patches, after the final norm.
 * `weights` from `loadBlipWeights`.
 */
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
  const states = towerStates(engine, PREFIX, config, weights, tokens);
  return layerNorm(engine.kernels, weights, `${PREFIX}post_layernorm`, states.at(-1)!, config.layerNormEps);
}

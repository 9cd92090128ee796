/** CLIP's vision tower (transformers CLIPVisionTransformer), as CLIPModel and OWL-ViT have it. */
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { ParameterSpec, Weights } from '../../engine/weights.ts';
import { embedding, norm } from '../layers/parameter-lists.ts';
import { patchTokens } from '../layers/patch-tokens.ts';
import { type ClipTowerConfig, layerNorm, parseTower, towerParameters, towerStates } from './clip-layers.ts';

export interface ClipVisionConfig extends ClipTowerConfig {
  imageSize: number;
  patchSize: number;
  /** Name of the norm before the first layer: misspelt in CLIP, and so in its files. */
  preNorm: 'pre_layrnorm' | 'pre_layernorm';
}

const PREFIX = 'vision_model.';

export function parseClipVisionConfig(
  json: Record<string, unknown>,
  preNorm: ClipVisionConfig['preNorm'] = 'pre_layrnorm',
): ClipVisionConfig {
  return {
    ...parseTower(json),
    imageSize: json.image_size as number,
    patchSize: json.patch_size as number,
    preNorm,
  };
}

export function clipVisionParameters(config: ClipVisionConfig): ParameterSpec[] {
  const { hiddenSize: width, patchSize } = config;
  const patches = (config.imageSize / patchSize) ** 2;
  return [
    { name: `${PREFIX}embeddings.class_embedding`, shape: [width], kind: 'vector' },
    {
      name: `${PREFIX}embeddings.patch_embedding.weight`,
      shape: [width, 3, patchSize, patchSize],
      kind: 'conv',
    },
    embedding(`${PREFIX}embeddings.position_embedding`, patches + 1, width),
    ...norm(`${PREFIX}${config.preNorm}`, width),
    ...towerParameters(PREFIX, config),
    ...norm(`${PREFIX}post_layernorm`, width),
  ];
}

/** Normalised pixels [B, S, S, 3] to the tokens of the last layer, class token first: [B, 1 + N, D]. No final norm. */
export function clipVisionStates(
  engine: Engine,
  config: ClipVisionConfig,
  weights: Weights,
  pixels: Tensor,
): Tensor {
  const embeddings = `${PREFIX}embeddings.`;
  const patch = {
    kernel: weights[`${embeddings}patch_embedding.weight`]!,
    first: weights[`${embeddings}class_embedding`]!,
    positions: weights[`${embeddings}position_embedding.weight`]!,
  };
  const tokens = patchTokens(engine, patch, pixels);
  const normed = layerNorm(
    engine.kernels,
    weights,
    `${PREFIX}${config.preNorm}`,
    tokens,
    config.layerNormEps,
  );
  return towerStates(engine, PREFIX, config, weights, normed).at(-1)!;
}

/** The norm behind the tower, for tokens [..., D]. */
export function clipVisionNorm(
  { kernels }: Engine,
  config: ClipVisionConfig,
  weights: Weights,
  tokens: Tensor,
): Tensor {
  return layerNorm(kernels, weights, `${PREFIX}post_layernorm`, tokens, config.layerNormEps);
}

/** CLIPModel (transformers): image and text embeddings in one space, as PickScore and CLIP score use them. */
import type { Engine, Tensor } from '../engine/engine.ts';
import type { ParameterSpec, Weights } from '../engine/weights.ts';
import { type ClipTowerConfig, layerNorm, parseTower, towerParameters, towerStates } from './clip-layers.ts';
import {
  type ClipTextConfig,
  clipTextForward,
  clipTextParameters,
  parseClipTextConfig,
} from './clip-text.ts';
import { linear, norm } from './parameter-lists.ts';

export interface ClipConfig {
  text: ClipTextConfig;
  vision: ClipTowerConfig & { imageSize: number; patchSize: number };
  projectionDim: number;
}

const VISION = 'vision_model.';

export function parseClipConfig(json: Record<string, unknown>): ClipConfig {
  const projectionDim = json.projection_dim as number;
  const vision = json.vision_config as Record<string, unknown>;
  const text = json.text_config as Record<string, unknown>;
  return {
    text: parseClipTextConfig({ ...text, projection_dim: projectionDim }, true),
    vision: {
      ...parseTower(vision),
      imageSize: vision.image_size as number,
      patchSize: vision.patch_size as number,
    },
    projectionDim,
  };
}

export function clipParameters({ text, vision, projectionDim }: ClipConfig): ParameterSpec[] {
  const width = vision.hiddenSize;
  const patches = (vision.imageSize / vision.patchSize) ** 2;
  return [
    { name: 'logit_scale', shape: [], kind: 'vector' },
    ...clipTextParameters(text),
    { name: `${VISION}embeddings.class_embedding`, shape: [width], kind: 'vector' },
    {
      name: `${VISION}embeddings.patch_embedding.weight`,
      shape: [width, 3, vision.patchSize, vision.patchSize],
      kind: 'conv',
    },
    {
      name: `${VISION}embeddings.position_embedding.weight`,
      shape: [patches + 1, width],
      kind: 'embedding',
    },
    ...norm(`${VISION}pre_layrnorm`, width),
    ...towerParameters(VISION, vision),
    ...norm(`${VISION}post_layernorm`, width),
    ...linear('visual_projection', width, projectionDim, false),
  ];
}

/** Normalised pixels [B, S, S, 3] to image embeddings [B, projectionDim], not L2-normalised. */
export function clipImageEmbeds(
  engine: Engine,
  { vision }: ClipConfig,
  weights: Weights,
  pixels: Tensor,
): Tensor {
  const { tf, kernels: k } = engine;
  const batch = pixels.shape[0]!;
  const { patchSize: p, hiddenSize: width } = vision;
  const side = vision.imageSize / p;
  // A convolution whose stride is its size is a linear layer over each patch's pixels.
  const cut = pixels.reshape([batch, side, p, side, p * 3]).transpose([0, 1, 3, 2, 4]);
  const kernel = weights[`${VISION}embeddings.patch_embedding.weight`]!.reshape([p * p * 3, width]);
  const patches = k.linear(cut.reshape([batch, side * side, p * p * 3]), kernel);
  const first = weights[`${VISION}embeddings.class_embedding`]!.reshape([1, 1, width]);
  const tokens = tf.concat([tf.tile(first, [batch, 1, 1]), patches], 1);
  const embedded = tokens.add(weights[`${VISION}embeddings.position_embedding.weight`]!) as Tensor;
  const normed = layerNorm(k, weights, `${VISION}pre_layrnorm`, embedded, vision.layerNormEps);
  const last = towerStates(engine, VISION, vision, weights, normed).at(-1)!;
  const pooled = last.slice([0, 0, 0], [batch, 1, width]).reshape([batch, width]);
  const final = layerNorm(k, weights, `${VISION}post_layernorm`, pooled, vision.layerNormEps);
  return k.linear(final, weights['visual_projection.weight']!);
}

/** Token ids to text embeddings [B, projectionDim], not L2-normalised. */
export function clipTextEmbeds(
  engine: Engine,
  { text }: ClipConfig,
  weights: Weights,
  ids: readonly (readonly number[])[],
): Tensor {
  return clipTextForward(engine, text, weights, ids).embeds!;
}

/** Rows of x [B, D] at unit length. */
export function unitRows(x: Tensor): Tensor {
  return x.div(x.square().sum(-1, true).sqrt());
}

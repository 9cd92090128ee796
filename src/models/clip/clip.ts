/** CLIPModel (transformers): image and text embeddings in one space, as PickScore and CLIP score use them. */
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { ParameterSpec, Weights } from '../../engine/weights.ts';
import { linear } from '../layers/parameter-lists.ts';
import {
  type ClipTextConfig,
  clipTextForward,
  clipTextParameters,
  parseClipTextConfig,
} from './clip-text.ts';
import {
  type ClipVisionConfig,
  clipVisionNorm,
  clipVisionParameters,
  clipVisionStates,
  parseClipVisionConfig,
} from './clip-vision.ts';

export interface ClipConfig {
  text: ClipTextConfig;
  vision: ClipVisionConfig;
  projectionDim: number;
}

export function parseClipConfig(json: Record<string, unknown>): ClipConfig {
  const projectionDim = json.projection_dim as number;
  const text = json.text_config as Record<string, unknown>;
  return {
    text: parseClipTextConfig({ ...text, projection_dim: projectionDim }, true),
    vision: parseClipVisionConfig(json.vision_config as Record<string, unknown>),
    projectionDim,
  };
}

export function clipParameters({ text, vision, projectionDim }: ClipConfig): ParameterSpec[] {
  return [
    { name: 'logit_scale', shape: [], kind: 'vector' },
    ...clipTextParameters(text),
    ...clipImageParameters({ vision, projectionDim }),
  ];
}

/** Those that an image's embedding needs. */
export function clipImageParameters({
  vision,
  projectionDim,
}: Pick<ClipConfig, 'vision' | 'projectionDim'>): ParameterSpec[] {
  return [
    ...clipVisionParameters(vision),
    ...linear('visual_projection', vision.hiddenSize, projectionDim, false),
  ];
}

/** Normalised pixels [B, S, S, 3] to image embeddings [B, projectionDim], not L2-normalised. */
export function clipImageEmbeds(
  engine: Engine,
  { vision }: ClipConfig,
  weights: Weights,
  pixels: Tensor,
): Tensor {
  const [batch, width] = [pixels.shape[0]!, vision.hiddenSize];
  const tokens = clipVisionStates(engine, vision, weights, pixels);
  const pooled = tokens.slice([0, 0, 0], [batch, 1, width]).reshape([batch, width]);
  const final = clipVisionNorm(engine, vision, weights, pooled);
  return engine.kernels.linear(final, weights['visual_projection.weight']!);
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

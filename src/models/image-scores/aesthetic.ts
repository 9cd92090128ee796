/**
 * LAION's aesthetic predictor (christophschuhmann/improved-aesthetic-predictor, linearMSE): a head on the unit image
 * embedding of OpenAI's CLIP ViT-L/14; about 1 to 10, higher is prettier.
 */
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { ParameterSpec, Weights } from '../../engine/weights.ts';
import { unitRows } from '../clip/clip.ts';
import { type HeadSizes, linearHead, linearHeadParameters } from './linear-head.ts';

export const aestheticParameters = (sizes: HeadSizes): ParameterSpec[] => linearHeadParameters('', sizes);

/** Image embeddings [B, D] of any length to scores [B]. */
export function aestheticScores(engine: Engine, weights: Weights, embeddings: Tensor): Tensor {
  return linearHead(engine, '', weights, unitRows(embeddings));
}

/** The head as one map: score = unit embedding . vector + bias; vector [D], bias [1]. */
export function collapsedHead(
  engine: Engine,
  [width]: HeadSizes,
  weights: Weights,
): { vector: Tensor; bias: Tensor } {
  const { tf } = engine;
  const bias = linearHead(engine, '', weights, tf.zeros([1, width]));
  return { vector: linearHead(engine, '', weights, tf.eye(width)).sub(bias), bias };
}

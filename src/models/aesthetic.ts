/**
 * LAION's aesthetic predictor (christophschuhmann/improved-aesthetic-predictor, linearMSE): a head on the unit image
 * embedding of OpenAI's CLIP ViT-L/14; about 1 to 10, higher is prettier.
 */
import type { Engine, Tensor } from '../engine/engine.ts';
import type { ParameterSpec, Weights } from '../engine/weights.ts';
import { DiptychError } from '../errors.ts';
import { unitRows } from './clip.ts';
import { type HeadSizes, linearHead, linearHeadParameters } from './linear-head.ts';

export interface AestheticConfig {
  sizes: HeadSizes;
}

/** Of the published head, which comes without a config. */
const PUBLISHED: HeadSizes = [768, 1024, 128, 64, 16];

/** Throws DIPTYCH_BAD_MODEL that quotes "sizes" unless it is absent or five positive whole numbers. */
export function parseAestheticConfig({ sizes = PUBLISHED }: Record<string, unknown>): AestheticConfig {
  const isWidth = (n: unknown) => Number.isInteger(n) && (n as number) > 0;
  if (Array.isArray(sizes) && sizes.length === PUBLISHED.length && sizes.every(isWidth)) {
    return { sizes: sizes as unknown as HeadSizes };
  }
  throw new DiptychError(
    'DIPTYCH_BAD_MODEL',
    `aesthetic config: "sizes" is ${JSON.stringify(sizes)}; it must be five positive whole numbers`,
  );
}

export const aestheticParameters = ({ sizes }: AestheticConfig): ParameterSpec[] =>
  linearHeadParameters('', sizes);

/** Image embeddings [B, D] of any length to scores [B]. */
export function aestheticScores(engine: Engine, weights: Weights, embeddings: Tensor): Tensor {
  return linearHead(engine, '', weights, unitRows(embeddings));
}

/** The head as one map: score = unit embedding . vector + bias; vector [D], bias [1]. */
export function collapsedHead(
  engine: Engine,
  { sizes: [width] }: AestheticConfig,
  weights: Weights,
): { vector: Tensor; bias: Tensor } {
  const { tf } = engine;
  const bias = linearHead(engine, '', weights, tf.zeros([1, width]));
  return { vector: linearHead(engine, '', weights, tf.eye(width)).sub(bias), bias };
}

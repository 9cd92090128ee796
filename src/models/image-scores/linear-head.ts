/**
 * The head that LAION's aesthetic predictor and ImageReward share: five linear layers with dropout between them and
 * no activation, `layers.{0,2,4,6,7}` of a torch Sequential. Without training it is one affine map.
 */
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { ParameterSpec, Weights } from '../../engine/weights.ts';
import { linear } from '../layers/parameter-lists.ts';

/** Places of the linear layers in the Sequential. */
const PLACES = [0, 2, 4, 6, 7];
/** Widths that each of the five layers takes in; the last one gives a single number. */
export type HeadSizes = readonly [number, number, number, number, number];

/** The sizes of every release, on top of embeddings of `width`. */
export const headSizes = (width: number): HeadSizes => [width, 1024, 128, 64, 16];

export function linearHeadParameters(prefix: string, sizes: HeadSizes): ParameterSpec[] {
  return PLACES.flatMap((place, i) => linear(`${prefix}layers.${place}`, sizes[i]!, sizes[i + 1] ?? 1));
}

/** x [B, sizes[0]] -> [B]. */
export function linearHead({ kernels }: Engine, prefix: string, weights: Weights, x: Tensor): Tensor {
  const layer = (h: Tensor, place: number) =>
    kernels.linear(h, weights[`${prefix}layers.${place}.weight`]!, weights[`${prefix}layers.${place}.bias`]!);
  return PLACES.reduce(layer, x).reshape([-1]);
}

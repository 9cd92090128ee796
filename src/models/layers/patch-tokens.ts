/** How a vision transformer sees an image: a class token, then the patches row by row, each with its position. */
import type { Engine, Tensor } from '../../engine/engine.ts';

export interface PatchWeights {
  /** [P, P, 3, D]: a convolution whose stride is its size. */
  kernel: Tensor;
  /** [D] */
  bias?: Tensor;
  /** The class token: D numbers in any shape. */
  first: Tensor;
  /** One row per token, the class token's first: [1 + (S / P)^2, D], with or without a leading 1. */
  positions: Tensor;
}

/** Square images [B, S, S, 3] to tokens [B, 1 + (S / P)^2, D]. */
export function patchTokens(
  { tf, kernels }: Engine,
  { kernel, bias, first, positions }: PatchWeights,
  pixels: Tensor,
): Tensor {
  const batch = pixels.shape[0]!;
  const [p, , , width] = kernel.shape as [number, number, number, number];
  const side = pixels.shape[1]! / p;
  // Such a convolution is a linear layer over each patch's pixels.
  const cut = pixels.reshape([batch, side, p, side, p * 3]).transpose([0, 1, 3, 2, 4]);
  const flat = cut.reshape([batch, side * side, p * p * 3]);
  const patches = kernels.linear(flat, kernel.reshape([p * p * 3, width]), bias);
  const tokens = tf.concat([tf.tile(first.reshape([1, 1, width]), [batch, 1, 1]), patches], 1);
  return tokens.add(positions);
}

/**
 * The operations that networks spend their time in. `plain-kernels.ts` says what each one means in the
 * public TensorFlow.js API; every faster implementation is tested against it, values and gradients.
 *
 * Letters: B batch, H W height and width, C channels, N M sequence lengths. Images are NHWC.
 */
import type { Tensor } from './tensor.ts';

export interface ConvOptions {
  stride?: 1 | 2;
  /** Zero padding on every side, or [top, bottom, left, right]. Default: (kernel - 1) / 2. */
  pad?: number | readonly [number, number, number, number];
}

export interface Kernels {
  /** x [..., in] times weight [in, out] plus bias [out]. Rank of x: 2 or more. */
  linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor;
  /** x [B, H, W, in], weight [kh, kw, in, out], bias [out]. Padding as in torch: the same on both sides. */
  conv2d(x: Tensor, weight: Tensor, bias?: Tensor, options?: ConvOptions): Tensor;
  /** x [B, H, W, C]; gamma, beta [C]. */
  groupNorm(x: Tensor, gamma: Tensor, beta: Tensor, groups: number, eps: number): Tensor;
  /** silu(groupNorm(x)). */
  groupNormSilu(x: Tensor, gamma: Tensor, beta: Tensor, groups: number, eps: number): Tensor;
  /** x [..., C]; gamma, beta [C]. */
  layerNorm(x: Tensor, gamma: Tensor, beta: Tensor, eps: number): Tensor;
  /** x * sigmoid(x). */
  silu(x: Tensor): Tensor;
  /** x * Phi(x), with the error function (not the tanh approximation). */
  gelu(x: Tensor): Tensor;
  /** The first half of the channels times gelu of the second: x [..., 2C] -> [..., C]. */
  geglu(x: Tensor): Tensor;
  /** x * sigmoid(1.702 x), as in OpenAI's CLIP. */
  quickGelu(x: Tensor): Tensor;
  /**
   * softmax(q k^T / sqrt(C / heads) + mask) v for q [B, N, C] and k, v [B, M, C].
   * The mask is a constant that broadcasts to [B, heads, N, M].
   */
  attention(q: Tensor, k: Tensor, v: Tensor, heads: number, mask?: Tensor): Tensor;
  /** [B, H, W, C] -> [B, 2H, 2W, C], each pixel repeated. */
  upsampleNearest2x(x: Tensor): Tensor;
}

/** [top, bottom, left, right] of a convolution's padding. */
export function paddingOf(weight: Tensor, pad: ConvOptions['pad']): [number, number, number, number] {
  if (pad !== undefined && typeof pad !== 'number') return [...pad];
  const vertical = pad ?? (weight.shape[0]! - 1) / 2;
  const horizontal = pad ?? (weight.shape[1]! - 1) / 2;
  return [vertical, vertical, horizontal, horizontal];
}

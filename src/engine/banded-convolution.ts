/**
 * Convolutions of large images a few rows at a time: TensorFlow on a CPU unfolds its whole input first, which takes
 * as many times its memory as the kernel has weights per channel.
 */
import type { Tensor, Tf } from './tensor.ts';

/** Bytes of unfolded input that are there at once. One row of the image may take more. */
const MOST_BYTES = 2 ** 27;

/** Rows of the output [B, H, W, ...] that are computed together, for x [B, H, W, C] and a kernel [kh, kw, C, ...]. */
export function rowsAtOnce(x: Tensor, kernel: Tensor, mostBytes = MOST_BYTES): number {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const [kh, kw] = kernel.shape as [number, number];
  const rowBytes = 4 * batch * width * channels * kh * kw;
  return Math.min(height, Math.max(1, Math.floor(mostBytes / rowBytes)));
}

/**
 * The convolution of stride 1 that keeps height and width, `rows` rows of the output at a time.
 * @param convolve without padding: [B, h, w, C] -> [B, h - kh + 1, w - kw + 1, ...]
 */
export function bandedConvolution(
  tf: Tf,
  x: Tensor,
  kernel: Tensor,
  rows: number,
  convolve: (band: Tensor) => Tensor,
): Tensor {
  const height = x.shape[1]!;
  const [above, beside] = [(kernel.shape[0]! - 1) / 2, (kernel.shape[1]! - 1) / 2];
  const bands: Tensor[] = [];
  for (let first = 0; first < height; first += rows) {
    const [from, to] = [first - above, Math.min(first + rows, height) + above];
    const [top, bottom] = [Math.max(0, -from), Math.max(0, to - height)];
    const band = tf.tidy(() => {
      const inside = tf.slice(x, [0, from + top, 0, 0], [-1, to - bottom - (from + top), -1, -1]);
      const padded = tf.pad(inside, [
        [0, 0],
        [top, bottom],
        [beside, beside],
        [0, 0],
      ]) as Tensor;
      return convolve(padded);
    });
    bands.push(band);
  }
  return tf.concat(bands, 1) as Tensor;
}

/**
 * The reference kernels: public TensorFlow.js operations only, so they run on every backend.
 * Two gradients are composed by hand because the library lacks them: batched matrix products whose
 * shapes broadcast (reshaped to equal ranks here) and, on WASM, the convolution's filter gradient.
 */

import { type Kernels, paddingOf } from './kernels.ts';
import type { Tensor, Tf } from './tensor.ts';

export function createPlainKernels(tf: Tf): Kernels {
  const lacksFilterGradient = () => tf.getKernel('Conv2DBackpropFilter', tf.getBackend()) === undefined;

  function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
    const inner = x.shape.at(-1)!;
    const product = tf.matMul(x.reshape([-1, inner]), weight as never);
    const biased = bias ? product.add(bias) : product;
    return biased.reshape([...x.shape.slice(0, -1), weight.shape[1]!]);
  }

  function normalise(x: Tensor, axes: number[], eps: number): Tensor {
    const { mean, variance } = tf.moments(x, axes, true);
    return x.sub(mean).mul(variance.add(eps).rsqrt());
  }

  function groupNorm(x: Tensor, gamma: Tensor, beta: Tensor, groups: number, eps: number): Tensor {
    const [batch, height, width, channels] = x.shape as [number, number, number, number];
    const grouped = x.reshape([batch, height * width, groups, channels / groups]);
    return normalise(grouped, [1, 3], eps).reshape(x.shape).mul(gamma).add(beta);
  }

  const silu = (x: Tensor): Tensor => x.mul(x.sigmoid());
  const gelu = (x: Tensor): Tensor => x.mul(x.mul(Math.SQRT1_2).erf().add(1).mul(0.5));

  return {
    linear,
    conv2d(x, weight, bias, { stride = 1, pad } = {}) {
      const [top, bottom, left, right] = paddingOf(weight, pad);
      const padded = tf.pad(x as never, [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ]) as Tensor;
      const conv = lacksFilterGradient()
        ? convBySlices(tf, padded, weight, stride)
        : (tf.conv2d(padded as never, weight as never, stride, 'valid') as Tensor);
      return bias ? conv.add(bias) : conv;
    },
    groupNorm,
    groupNormSilu: (x, gamma, beta, groups, eps) => silu(groupNorm(x, gamma, beta, groups, eps)),
    layerNorm: (x, gamma, beta, eps) =>
      normalise(x, [x.rank - 1], eps)
        .mul(gamma)
        .add(beta),
    silu,
    gelu,
    geglu(x) {
      const [value, gate] = tf.split(x, 2, -1) as [Tensor, Tensor];
      return value.mul(gelu(gate));
    },
    quickGelu: (x) => x.mul(x.mul(1.702).sigmoid()),
    attention(q, k, v, heads, mask) {
      const [batch, queries, channels] = q.shape as [number, number, number];
      const width = channels / heads;
      const split = (t: Tensor) =>
        t.reshape([batch, t.shape[1]!, heads, width]).transpose([0, 2, 1, 3]) as Tensor;
      const scores = tf.matMul(split(q.mul(1 / Math.sqrt(width))), split(k), false, true);
      const weights = tf.softmax(mask ? scores.add(mask) : scores);
      return tf.matMul(weights, split(v)).transpose([0, 2, 1, 3]).reshape([batch, queries, channels]);
    },
    upsampleNearest2x(x) {
      const [batch, height, width, channels] = x.shape as [number, number, number, number];
      const rows = tf.stack([x, x], 2).reshape([batch, 2 * height, width, channels]);
      return tf.stack([rows, rows], 3).reshape([batch, 2 * height, 2 * width, channels]);
    },
  };
}

/** A valid-padding convolution as a sum of matrix products, one per kernel position: every part has a gradient. */
function convBySlices(tf: Tf, x: Tensor, weight: Tensor, stride: number): Tensor {
  const [kh, kw, inner, outer] = weight.shape as [number, number, number, number];
  const [batch, height, width] = x.shape as [number, number, number, number];
  const outHeight = Math.floor((height - kh) / stride) + 1;
  const outWidth = Math.floor((width - kw) / stride) + 1;
  let sum: Tensor | undefined;
  for (let i = 0; i < kh; i++) {
    for (let j = 0; j < kw; j++) {
      const part = everyNth(tf, x, [i, j], [outHeight, outWidth], stride).reshape([-1, inner]);
      const kernel = slice(tf, weight, [i, j, 0, 0], [1, 1, inner, outer]).reshape([inner, outer]);
      const product = tf.matMul(part as never, kernel as never) as Tensor;
      sum = sum ? sum.add(product) : product;
    }
  }
  return sum!.reshape([batch, outHeight, outWidth, outer]);
}

/** Rows and columns `offset + stride * n`, without strided slices (they have no gradient). */
function everyNth(
  tf: Tf,
  x: Tensor,
  [i, j]: [number, number],
  [h, w]: [number, number],
  stride: number,
): Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  if (stride === 1) return slice(tf, x, [0, i, j, 0], [batch, h, w, channels]);
  const bottom = Math.max(0, i + stride * h - height);
  const right = Math.max(0, j + stride * w - width);
  const padded = tf.pad(x as never, [
    [0, 0],
    [0, bottom],
    [0, right],
    [0, 0],
  ]) as Tensor;
  const window = slice(tf, padded, [0, i, j, 0], [batch, stride * h, stride * w, channels]);
  const rows = slice(
    tf,
    window.reshape([batch, h, stride, stride * w * channels]),
    [0, 0, 0, 0],
    [-1, -1, 1, -1],
  );
  const columns = rows.reshape([batch * h, w, stride, channels]);
  return slice(tf, columns, [0, 0, 0, 0], [-1, -1, 1, -1]).reshape([batch, h, w, channels]);
}

/** `tf.slice` without its rank-typed signature. */
const slice = (tf: Tf, x: Tensor, begin: number[], size: number[]): Tensor =>
  tf.slice(x as never, begin, size) as Tensor;

/** Every kernel on small inputs, and its values and gradients. */
import assert from 'node:assert/strict';
import type { Engine, Tensor } from '../../src/engine/engine.ts';
import type { Kernels } from '../../src/engine/kernels.ts';
import { createRandom, hashSeed } from '../../src/random.ts';

export type Case = {
  name: string;
  shapes: number[][];
  apply(k: Kernels, inputs: Tensor[], engine: Engine): Tensor;
};

export const CASES: Case[] = [
  { name: 'linear, rank 2', shapes: [[5, 7], [7, 3], [3]], apply: (k, [x, w, b]) => k.linear(x!, w!, b) },
  {
    name: 'linear, rank 3, no bias',
    shapes: [
      [2, 4, 6],
      [6, 5],
    ],
    apply: (k, [x, w]) => k.linear(x!, w!),
  },
  {
    name: 'conv 3x3',
    shapes: [[2, 6, 5, 3], [3, 3, 3, 4], [4]],
    apply: (k, [x, w, b]) => k.conv2d(x!, w!, b),
  },
  {
    name: 'conv 3x3, stride 2',
    shapes: [[2, 6, 8, 3], [3, 3, 3, 4], [4]],
    apply: (k, [x, w, b]) => k.conv2d(x!, w!, b, { stride: 2 }),
  },
  {
    name: 'conv 3x3, stride 2, padded right and bottom',
    shapes: [[1, 6, 6, 2], [3, 3, 2, 4], [4]],
    apply: (k, [x, w, b]) => k.conv2d(x!, w!, b, { stride: 2, pad: [0, 1, 0, 1] }),
  },
  {
    name: 'conv 1x1',
    shapes: [[2, 4, 4, 6], [1, 1, 6, 3], [3]],
    apply: (k, [x, w, b]) => k.conv2d(x!, w!, b),
  },
  {
    name: 'conv as patches',
    shapes: [
      [2, 8, 8, 3],
      [4, 4, 3, 5],
    ],
    apply: (k, [x, w], { tf }) =>
      // A patch embedding: kernel and stride 4, written as a matrix product over cut patches.
      k.linear(
        x!.reshape([2, 2, 4, 2, 12]).transpose([0, 1, 3, 2, 4]).reshape([8, 48]) as Tensor,
        tf.reshape(w!, [48, 5]) as Tensor,
      ),
  },
  {
    name: 'group norm',
    shapes: [[3, 4, 5, 8], [8], [8]],
    apply: (k, [x, g, b]) => k.groupNorm(x!, g!, b!, 4, 1e-5),
  },
  {
    name: 'group norm and SiLU',
    shapes: [[2, 4, 4, 6], [6], [6]],
    apply: (k, [x, g, b]) => k.groupNormSilu(x!, g!, b!, 2, 1e-6),
  },
  {
    name: 'group norm and SiLU, more samples than threads, work for all of them',
    shapes: [[19, 12, 12, 16], [16], [16]],
    apply: (k, [x, g, b]) => k.groupNormSilu(x!, g!, b!, 4, 1e-5),
  },
  {
    name: 'group norm far from zero',
    shapes: [[2, 6, 6, 4], [4], [4]],
    apply: (k, [x, g, b], { tf }) => k.groupNorm(x!.add(tf.scalar(50)) as Tensor, g!, b!, 2, 1e-5),
  },
  {
    name: 'layer norm',
    shapes: [[2, 5, 8], [8], [8]],
    apply: (k, [x, g, b]) => k.layerNorm(x!, g!, b!, 1e-5),
  },
  {
    name: 'layer norm, wider than lanes and with work for all threads',
    shapes: [[37, 23, 45], [45], [45]],
    apply: (k, [x, g, b]) => k.layerNorm(x!, g!, b!, 1e-6),
  },
  { name: 'silu', shapes: [[4, 9]], apply: (k, [x]) => k.silu(x!) },
  { name: 'gelu', shapes: [[4, 9]], apply: (k, [x]) => k.gelu(x!) },
  { name: 'GEGLU', shapes: [[3, 5, 14]], apply: (k, [x]) => k.geglu(x!) },
  {
    name: 'GEGLU far from zero',
    shapes: [[40, 1000]],
    apply: (k, [x], { tf }) => k.geglu(x!.mul(tf.scalar(3)) as Tensor),
  },
  { name: 'quick gelu', shapes: [[4, 9]], apply: (k, [x]) => k.quickGelu(x!) },
  {
    name: 'attention',
    shapes: [
      [2, 5, 8],
      [2, 3, 8],
      [2, 3, 8],
    ],
    apply: (k, [q, kk, v]) => k.attention(q!, kk!, v!, 2),
  },
  {
    name: 'attention with a causal mask',
    shapes: [
      [2, 4, 6],
      [2, 4, 6],
      [2, 4, 6],
    ],
    apply: (k, [q, kk, v], { tf }) => {
      const mask = tf.tensor4d(
        Array.from({ length: 16 }, (_, i) => (i % 4 > Math.floor(i / 4) ? -1e9 : 0)),
        [1, 1, 4, 4],
      );
      return k.attention(q!, kk!, v!, 3, mask as Tensor);
    },
  },
  { name: 'upsample', shapes: [[2, 3, 4, 5]], apply: (k, [x]) => k.upsampleNearest2x(x!) },
];

export function normals(label: string, length: number): Float32Array {
  const random = createRandom(hashSeed('kernels', label));
  return Float32Array.from({ length }, () => random.normal());
}

export const size = (shape: number[]) => shape.reduce((n, d) => n * d, 1);

/** Output, and gradients of sum(output * fixed noise) for every input. */
export function evaluate(engine: Engine, { name, shapes, apply }: Case): Float32Array[] {
  const { tf } = engine;
  return tf.tidy(() => {
    const inputs = shapes.map((shape, i) => tf.tensor(normals(`${name} ${i}`, size(shape)), shape) as Tensor);
    const out = apply(engine.kernels, inputs, engine);
    const noise = tf.tensor(normals(`${name} dy`, out.size), out.shape);
    const grads = tf.grads((...xs: Tensor[]) => apply(engine.kernels, xs, engine).mul(noise).sum())(inputs);
    return [out, ...grads].map((tensor) => Float32Array.from(tensor.dataSync()));
  });
}

/** Largest difference within `relative` of the largest value of each tensor. */
export function assertClose(
  got: Float32Array[],
  want: Float32Array[],
  relative: number,
  label: string,
): void {
  assert.equal(got.length, want.length);
  for (const [i, values] of want.entries()) {
    const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
    assert.equal(got[i]!.length, values.length, `${label}: size of tensor ${i}`);
    for (const [j, value] of values.entries()) {
      const off = Math.abs(got[i]![j]! - value) / scale;
      assert.ok(
        off <= relative,
        `${label}: tensor ${i} (0 is the output), element ${j}: ${got[i]![j]} against ${value}`,
      );
    }
  }
}

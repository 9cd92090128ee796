/** Attention in slices of the batch is attention: values, gradients, and what is kept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openEngine, type Tensor } from '../../src/engine/engine.ts';
import type { Kernels } from '../../src/engine/kernels.ts';
import { slicedAttention } from '../../src/engine/sliced-attention.ts';
import { createRandom, hashSeed } from '../../src/random.ts';

const engine = await openEngine();
const { tf } = engine;
const { attention } = engine.kernels;
const [BATCH, QUERIES, KEYS, CHANNELS, HEADS] = [5, 4, 3, 6, 2];
const ROW = 4 * HEADS * QUERIES * KEYS;

function normals(label: string, shape: number[]): Tensor {
  const random = createRandom(hashSeed('sliced', label));
  const length = shape.reduce((n, d) => n * d, 1);
  return tf.tensor(
    Float32Array.from({ length }, () => random.normal()),
    shape,
    'float32',
  );
}

const inputs = () => [
  normals('q', [BATCH, QUERIES, CHANNELS]),
  normals('k', [BATCH, KEYS, CHANNELS]),
  normals('v', [BATCH, KEYS, CHANNELS]),
];

/** Output and gradients of sum(output * noise). */
function evaluate(attend: Kernels['attention'], mask?: Tensor): number[][] {
  return tf.tidy(() => {
    const noise = normals('dy', [BATCH, QUERIES, CHANNELS]);
    const run = (q: Tensor, k: Tensor, v: Tensor) => attend(q, k, v, HEADS, mask);
    const grads = tf.grads((...xs: Tensor[]) => run(xs[0]!, xs[1]!, xs[2]!).mul(noise).sum())(inputs());
    const [q, k, v] = inputs();
    return [run(q!, k!, v!), ...grads].map((t) => [...t.dataSync()]);
  });
}

function assertClose(got: number[][], want: number[][]): void {
  assert.equal(got.length, want.length);
  for (const [i, values] of want.entries()) {
    assert.equal(got[i]!.length, values.length);
    for (const [j, x] of values.entries())
      assert.ok(Math.abs(got[i]![j]! - x) <= 1e-5, `tensor ${i}, value ${j}: ${got[i]![j]} against ${x}`);
  }
}

for (const [what, bytes] of [
  ['one row', 1],
  ['two rows, and one at the end', 2 * ROW],
  ['all rows', BATCH * ROW],
] as const) {
  test(`slices of ${what} equal the whole, values and gradients (1e-5)`, () => {
    const slices: number[] = [];
    const counted: Kernels['attention'] = (q, ...rest) => {
      slices.push(q.shape[0]!);
      return attention(q, ...rest);
    };
    const sliced = slicedAttention(tf, counted, bytes);
    assertClose(evaluate(sliced), evaluate(attention));
    const once = { 1: [1, 1, 1, 1, 1], [2 * ROW]: [2, 2, 1], [BATCH * ROW]: [5] }[bytes]!;
    assert.deepEqual(slices, [...once, ...once]);
  });
}

test('a mask for every row is cut with the rows, one for all is not (1e-5)', () => {
  for (const rows of [1, BATCH]) {
    const mask = normals(`mask ${rows}`, [rows, 1, QUERIES, KEYS]);
    assertClose(evaluate(slicedAttention(tf, attention, 2 * ROW), mask), evaluate(attention, mask));
    mask.dispose();
  }
});

test('slices leave no tensor but the result', () => {
  const sliced = slicedAttention(tf, attention, ROW);
  const run = () => tf.tidy(() => sliced(...(inputs() as [Tensor, Tensor, Tensor]), HEADS).dataSync());
  run();
  const before = tf.memory().numTensors;
  run();
  assert.equal(tf.memory().numTensors, before);
});

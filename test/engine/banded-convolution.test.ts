import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bandedConvolution, rowsAtOnce } from '../../src/engine/banded-convolution.ts';
import { openEngine } from '../../src/engine/engine.ts';
import { createPlainKernels } from '../../src/engine/plain-kernels.ts';
import type { Tensor } from '../../src/engine/tensor.ts';

const { tf, kernels } = await openEngine();
const normal = (shape: number[]) => tf.randomNormal(shape, 0, 1, 'float32', 7) as Tensor;

function assertClose(got: Tensor, want: Tensor): void {
  assert.deepEqual(got.shape, want.shape);
  const [a, b] = [got.dataSync() as Float32Array, want.dataSync() as Float32Array];
  const scale = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (const [i, value] of a.entries()) {
    assert.ok(Math.abs(value - b[i]!) <= 1e-5 * scale, `${value} is not ${b[i]} at ${i}`);
  }
}

for (const [height, rows, kh, kw] of [
  [7, 1, 3, 3],
  [7, 2, 3, 3],
  [8, 4, 3, 5],
  [5, 3, 5, 1],
  [2, 1, 5, 3],
] as const) {
  test(`${height} rows, ${rows} at a time, a kernel of ${kh} x ${kw}: as in one piece`, () => {
    const [x, kernel] = [normal([2, height, 6, 3]), normal([kh, kw, 3, 4])];
    const convolve = (band: Tensor) => tf.conv2d(band as never, kernel as never, 1, 'valid') as Tensor;
    const whole = tf.conv2d(x as never, kernel as never, 1, 'same') as Tensor;
    assertClose(bandedConvolution(tf, x, kernel, rows, convolve), whole);
  });
}

test('small inputs stay whole, large ones are cut to the memory, at least one row at a time', () => {
  const kernel = tf.zeros([3, 3, 4, 1]);
  const x = tf.zeros([2, 10, 5, 4]);
  // Unfolded, a row takes 4 bytes x 2 images x 5 pixels x 4 channels x 9 weights.
  assert.equal(rowsAtOnce(x, kernel), 10);
  assert.equal(rowsAtOnce(x, kernel, 3 * 1440), 3);
  assert.equal(rowsAtOnce(x, kernel, 1), 1);
});

test('a convolution that is too large to unfold whole gives the plain one, gradients included', () => {
  const [x, kernel, bias] = [normal([1, 96, 128, 304]), normal([3, 3, 304, 2]), normal([2])];
  assert.ok(rowsAtOnce(x, kernel) < 96, 'not large enough');
  const plain = createPlainKernels(tf);
  const both = [kernels, plain].map((k) =>
    tf.valueAndGrads((x: Tensor, kernel: Tensor, bias: Tensor) => k.conv2d(x, kernel, bias).square().sum())([
      x,
      kernel,
      bias,
    ]),
  );
  const [fast, reference] = both as [(typeof both)[0], (typeof both)[0]];
  assertClose(fast.value, reference.value);
  for (const [i, grad] of fast.grads.entries()) assertClose(grad, reference.grads[i]!);
});

/** Recomputation: the same value and gradients, nothing kept but the inputs, and the tape of the gradient around it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openEngine } from '../../src/engine/engine.ts';
import { recomputed } from '../../src/engine/recomputed.ts';
import type { Tensor } from '../../src/engine/tensor.ts';

const { tf } = await openEngine({ prefer: 'cpu' });
const x = tf.tensor1d([0.3, -1.2, 2]) as Tensor;
const w = tf.tensor1d([0.5, 1.5, -0.7]) as Tensor;
const scale = tf.tensor1d([2, 3, 4]) as Tensor;

/** Some steps that keep several tensors each. */
const part = ([x, w]: Tensor[], [scale]: Tensor[]): Tensor =>
  x!.mul(w!).sin().mul(scale!).exp().mul(x!).tanh();
const chain = (block: typeof part) => (x: Tensor, w: Tensor) => {
  const first = block([x, w], [scale]);
  // w goes into both blocks and around them, x into the first alone.
  return block([first, w], [scale]).add(w.square()).sum();
};
const again: typeof part = (inputs, constants) => recomputed(tf, part, inputs, constants);

test('value and gradients are those of the plain function, through blocks in a row and weights they share', () => {
  const plain = tf.valueAndGrads(chain(part))([x, w]);
  const got = tf.valueAndGrads(chain(again))([x, w]);
  assert.deepEqual(got.value.dataSync(), plain.value.dataSync());
  for (const i of [0, 1]) assert.deepEqual(got.grads[i]!.dataSync(), plain.grads[i]!.dataSync());
  assert.ok(plain.grads.every((grad) => grad.dataSync().every((g) => Math.abs(g) > 1e-6)));
});

test('one inside another gives the same gradients', () => {
  const nested: typeof part = (inputs, constants) => recomputed(tf, again, inputs, constants);
  const plain = tf.grads(chain(part))([x, w]);
  const got = tf.grads(chain(nested))([x, w]);
  for (const i of [0, 1]) assert.deepEqual(got[i]!.dataSync(), plain[i]!.dataSync());
});

/** How often `part` runs while `work` does. */
function runs(work: (block: typeof part) => unknown): number {
  let count = 0;
  work((inputs, constants) =>
    recomputed(
      tf,
      (...both) => {
        count++;
        return part(...both);
      },
      inputs,
      constants,
    ),
  );
  return count;
}

test('a block runs once forward and once more for its gradient, and not for one that nobody asks for', () => {
  assert.equal(
    runs((block) => chain(block)(x, w)),
    2,
  );
  assert.equal(
    runs((block) => tf.grads(chain(block))([x, w])),
    4,
  );
  const frozen = (block: typeof part) =>
    tf.grad((x) =>
      block([x, w], [scale])
        .add(block([w, w], [scale]))
        .sum(),
    )(x);
  assert.equal(runs(frozen), 3);
});

test('constants are kept for the second run though their owner has disposed them', () => {
  const passing = (block: typeof part) => (x: Tensor) =>
    tf.tidy(() => {
      const own = scale.mul(0.5) as Tensor;
      const y = block([x, w], [own]).sum();
      own.dispose();
      return y;
    });
  assert.deepEqual(tf.grad(passing(again))(x).dataSync(), tf.grad(passing(part))(x).dataSync());
});

function left(work: () => unknown): number {
  const before = tf.memory().numTensors;
  tf.tidy(() => void work());
  return tf.memory().numTensors - before;
}

test('no tensor is left by a value or a gradient, and no intermediate of the value itself', () => {
  assert.equal(
    left(() => chain(again)(x, w)),
    0,
  );
  assert.equal(
    left(() => tf.valueAndGrads(chain(again))([x, w])),
    0,
  );
  const before = tf.memory().numTensors;
  const value = recomputed(tf, part, [x, w], [scale]);
  assert.equal(tf.memory().numTensors - before, 1, 'intermediates of the forward pass');
  value.dispose();
});

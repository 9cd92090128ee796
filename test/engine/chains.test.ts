/** Parts of a batch beside each other: the same values and gradients, only in graphs, and only where it helps. */
import assert from 'node:assert/strict';
import os from 'node:os';
import { test } from 'node:test';
import { inChains } from '../../src/engine/chains.ts';
import { type Engine, nativeProblem, openEngine, type Tensor } from '../../src/engine/engine.ts';
import { computeInChains, threadsEach, usefulChains } from '../../src/engine/threads.ts';
import { traced } from '../../src/engine/traced.ts';
import { createRandom, hashSeed } from '../../src/random.ts';

const problem = nativeProblem();
const skip = problem === null ? false : `native engine: ${problem}`;
const engine = await openEngine({ prefer: skip ? 'cpu' : 'native' });
const { tf } = engine;

function normal(label: string, shape: [number, number]): Tensor {
  const random = createRandom(hashSeed('chains', label));
  return tf.tensor(
    Float32Array.from({ length: shape[0] * shape[1] }, () => random.normal()),
    shape,
  );
}

/** tanh(x w) by row and the gradient of its squares' sum by w, in so many chains; and the rows that each call of it saw. */
function layer(chains: number) {
  const laid: Engine = { ...engine, chains };
  const seen: number[] = [];
  const run = traced(laid, ({ x, shift, w }: { x: Tensor; shift: Tensor; w: Tensor }) => {
    const forward = (w: Tensor) =>
      inChains(laid, { x, conditions: { shift, none: undefined } }, ({ x, conditions }) => {
        seen.push(x.shape[0]!);
        return x.matMul(w).add(conditions.shift).tanh() as Tensor;
      });
    const rows = forward(w);
    const gradient = tf.grad((w: Tensor) => forward(w).square().sum() as never)(w as never) as Tensor;
    return { rows, gradient };
  });
  return { run, seen };
}

for (const [chains, sizes] of [
  [1, [5]],
  [2, [2, 3]],
  [3, [1, 2, 2]],
  [8, [1, 1, 1, 1, 1]],
] as const) {
  test(`five rows in at most ${chains} chains: ${sizes}, the values and gradients of one`, { skip }, () => {
    const given = { x: normal('x', [5, 7]), shift: normal('shift', [5, 3]), w: normal('w', [7, 3]) };
    const { run, seen } = layer(chains);
    const [got, want] = [run(given), layer(1).run(given)];
    assert.deepEqual(seen.slice(0, sizes.length), sizes);
    for (const name of ['rows', 'gradient'] as const) {
      assert.deepEqual(got[name].shape, want[name].shape);
      for (const [i, x] of want[name].dataSync().entries())
        assert.ok(Math.abs(got[name].dataSync()[i]! - x) <= 1e-5, `${name}[${i}]`);
    }
    const again = run(given);
    assert.deepEqual(again.gradient.dataSync(), got.gradient.dataSync());
    tf.dispose([given, got, want, again] as never);
  });
}

test('chains leave no tensor behind', { skip }, () => {
  const given = { x: normal('x', [5, 7]), shift: normal('shift', [5, 3]), w: normal('w', [7, 3]) };
  const { run } = layer(2);
  const before = tf.memory().numTensors;
  tf.dispose(run(given) as never);
  assert.equal(tf.memory().numTensors, before);
  tf.dispose(given as never);
});

test('operation by operation a batch stays whole: its parts would wait for each other', () => {
  const seen: number[] = [];
  const rows = tf.tidy(() =>
    inChains({ ...engine, chains: 3 }, { x: normal('x', [5, 7]) }, ({ x }) => {
      seen.push(x.shape[0]!);
      return x.square() as Tensor;
    }),
  );
  rows.dispose();
  assert.deepEqual(seen, [5]);
});

test('a process takes chains on few cores, unless its environment says how many threads', (t) => {
  const cores = t.mock.method(os, 'availableParallelism', () => 2);
  const before = { ...process.env };
  t.after(() => {
    process.env = before;
  });
  const threads = () => process.env.TF_NUM_INTRAOP_THREADS;
  const within = (environment: Record<string, string>, count: number) => {
    process.env = { ...environment };
    cores.mock.mockImplementation(() => count);
    computeInChains();
    return usefulChains();
  };
  assert.equal(within({}, 2), 2);
  const one = { TF_NUM_INTRAOP_THREADS: '1', TF_ONEDNN_THREADPOOL_USE_CALLER_THREAD: '1' };
  assert.deepEqual({ ...process.env }, one);
  assert.deepEqual([threadsEach(1), threadsEach(8)], [one, { TF_NUM_INTRAOP_THREADS: '8' }]);
  assert.equal(within({}, 4), 4);
  assert.equal(within({}, 16), 1);
  assert.equal(threads(), undefined);
  assert.equal(within({ TF_NUM_INTRAOP_THREADS: '2' }, 2), 1);
  assert.equal(threads(), '2');
});

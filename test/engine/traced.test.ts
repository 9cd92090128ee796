/** Traced functions: the values and gradients of the functions themselves, at all shapes, and nothing held too long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nativeProblem, openEngine, type Tensor } from '../../src/engine/engine.ts';
import { rawOps } from '../../src/engine/raw-ops.ts';
import { recomputed } from '../../src/engine/recomputed.ts';
import { slicedAttention } from '../../src/engine/sliced-attention.ts';
import { MOST_GRAPHS, traced } from '../../src/engine/traced.ts';
import { createRandom, hashSeed } from '../../src/random.ts';

const problem = nativeProblem();
const skip = problem === null ? false : `native engine: ${problem}`;
const engine = skip ? await openEngine({ prefer: 'cpu' }) : await openEngine({ prefer: 'native' });
const { tf, kernels: k } = engine;

function normal(label: string, shape: number[]): Tensor {
  const random = createRandom(hashSeed('traced', label));
  const length = shape.reduce((n, size) => n * size, 1);
  return tf.tensor(
    Float32Array.from({ length }, () => random.normal()),
    shape,
  );
}

const values = (t: Tensor) => [...t.dataSync()];

/** Every value within 1e-5 of the largest one wanted. */
function assertClose(got: Tensor, want: Tensor): void {
  assert.deepEqual(got.shape, want.shape);
  const [g, w] = [values(got), values(want)];
  const scale = Math.max(...w.map(Math.abs));
  // Written so that NaN fails.
  for (const [i, x] of w.entries())
    assert.ok(Math.abs(g[i]! - x) <= 1e-5 * scale, `[${i}]: ${g[i]} against ${x}`);
}

/** Operations that a native function was called as, by name. */
function calls(work: () => void): string[] {
  const { backend } = rawOps(tf);
  const real = backend.binding;
  const names: string[] = [];
  backend.binding = Object.create(real, {
    executeOp: {
      value(...given: Parameters<typeof real.executeOp>) {
        names.push(given[0]);
        return real.executeOp(...given);
      },
    },
  });
  try {
    work();
  } finally {
    backend.binding = real;
  }
  return names;
}

/** Lines that are written to the standard error output meanwhile. */
function said(t: { mock: typeof test.mock }, work: () => void): string[] {
  const lines: string[] = [];
  const mocked = t.mock.method(console, 'error', (line: string) => lines.push(line));
  work();
  mocked.mock.restore();
  return lines;
}

type Net = { x: Tensor; conv: Tensor; bias: Tensor; gamma: Tensor; q: Tensor };

/** Convolutions of both strides, norms, attention, our own operations and some with several results. */
function net({ x, conv, bias, gamma, q }: Net): Tensor {
  const h = k.groupNormSilu(k.conv2d(x, conv, bias), gamma, bias, 2, 1e-5);
  const half = k.conv2d(h, sameChannels(conv), bias, { stride: 2 });
  const [a, b] = tf.split(k.upsampleNearest2x(half), 2, 3) as [Tensor, Tensor];
  const tokens = tf.concat([a, b], 3).reshape([x.shape[0]!, -1, 4]) as Tensor;
  const attended = k.attention(k.linear(tokens, q), tokens, tokens, 2);
  return k
    .geglu(k.layerNorm(attended, gamma, bias, 1e-5))
    .mul(0.5)
    .add(1);
}

/** [3, 3, 4, 4] of whatever input channels the first convolution has. */
const sameChannels = (conv: Tensor): Tensor =>
  tf.tile(tf.slice(conv, [0, 0, 0, 0], [3, 3, 1, 4]), [1, 1, 4, 1]);

const netInputs = (batch: number, label = 'a'): Net => ({
  x: normal(`${label} x`, [batch, 6, 6, 3]),
  conv: normal(`${label} conv`, [3, 3, 3, 4]),
  bias: normal(`${label} bias`, [4]),
  gamma: normal(`${label} gamma`, [4]),
  q: normal(`${label} q`, [4, 4]),
});

test('values are those of the function (1e-5), at every shape and with every input exchanged', {
  skip,
}, () => {
  const run = traced(engine, net);
  for (const [batch, label] of [
    [2, 'a'],
    [2, 'b'],
    [3, 'c'],
    [2, 'd'],
  ] as const) {
    const inputs = netInputs(batch, label);
    assertClose(run(inputs), net(inputs));
  }
});

test('a call is one operation, from the second on', { skip }, () => {
  const run = traced(engine, net);
  run(netInputs(2));
  const inputs = netInputs(2, 'b');
  assert.match(calls(() => run(inputs)).join(), /^diptych_[0-9a-f]{64}$/);
});

test('equal inputs give equal bits, the first time too', { skip }, () => {
  const run = traced(engine, net);
  const inputs = netInputs(2);
  const first = values(run(inputs));
  for (let i = 0; i < 3; i++) assert.deepEqual(values(run(inputs)), first);
});

test('gradients inside it are those outside (1e-5); results keep their names and lists', { skip }, () => {
  const gradients = (inputs: Net) => {
    const { x, ...rest } = inputs;
    const names = Object.keys(rest);
    const loss = (...parts: Tensor[]) =>
      net({ x, ...Object.fromEntries(names.map((name, i) => [name, parts[i]!])) } as Net)
        .square()
        .sum();
    const { value, grads } = tf.valueAndGrads(loss as never)(Object.values(rest));
    return { value: value as Tensor, grads: grads as Tensor[] };
  };
  const run = traced(engine, gradients);
  run(netInputs(2));
  const inputs = netInputs(2, 'b');
  const [got, want] = [run(inputs), gradients(inputs)];
  assertClose(got.value, want.value);
  assert.equal(got.grads.length, 4);
  for (const [i, grad] of want.grads.entries()) assertClose(got.grads[i]!, grad);
});

test('inputs that are one tensor in one call may be two in the next', { skip }, () => {
  const run = traced(engine, ({ a, b }: { a: Tensor; b: Tensor }) => a.sub(b));
  const [a, b] = [normal('a', [3]), normal('b', [3])];
  assert.deepEqual(values(run({ a, b: a })), [0, 0, 0]);
  assert.deepEqual(values(run({ a, b })), values(a.sub(b)));
});

test('types come through: whole numbers and truth values, in and out', { skip }, () => {
  const run = traced(engine, ({ i, x }: { i: Tensor; x: Tensor }) => ({
    product: x.mul(i.toFloat()) as Tensor,
    more: x.greater(0) as Tensor,
    next: i.add(tf.scalar(1, 'int32')) as Tensor,
  }));
  const inputs = { i: tf.tensor1d([2, 0], 'int32') as Tensor, x: tf.tensor1d([-1, 5]) as Tensor };
  for (let call = 0; call < 2; call++) {
    const { product, more, next } = run(inputs);
    assert.deepEqual([values(product), more.dtype, values(more)], [[-2, 0], 'bool', [0, 1]]);
    assert.deepEqual([next.dtype, values(next)], ['int32', [3, 1]]);
  }
  assert.equal(calls(() => run(inputs)).length, 1);
});

test('one traced function in another is part of it; in a gradient it is run as it is', { skip }, () => {
  const inner = traced(engine, (x: Tensor) => x.square() as Tensor);
  const outer = traced(engine, (x: Tensor) => inner(x).mul(3) as Tensor);
  const x = normal('x', [4]);
  assertClose(outer(x), x.square().mul(3));
  assert.match(calls(() => outer(x)).join(), /^diptych_[0-9a-f]{64}$/);
  inner(x);
  assertClose(tf.grad((x) => inner(x as Tensor).sum())(x), x.mul(2));
});

test('what a graph cannot hold runs as it is, and says why once', { skip }, (t) => {
  const outside = normal('outside', [2]);
  const attention = slicedAttention(tf, k.attention, 1);
  const cases: [(x: Tensor) => Tensor, RegExp][] = [
    [(x) => x.mul(outside), /uses a float32 tensor \[2\] that it was not given/],
    [(x) => x.mul(x.dataSync()[0]!), /reads a tensor's values/],
    [(x) => recomputed(tf, ([x]) => x!.square(), [x]), /recomputation would not save memory in a graph/],
    [
      (x) => {
        const rows = tf.tile(x.reshape([1, 1, 2]), [2, 1, 1]) as Tensor;
        return attention(rows, rows, rows, 1);
      },
      /attention in slices would not save memory in a graph/,
    ],
  ];
  for (const [f, why] of cases) {
    const run = traced(engine, f);
    const lines = said(t, () => {
      for (const label of ['a', 'b']) {
        const x = normal(label, [2]);
        assertClose(run(x), f(x));
      }
    });
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, why);
  }
});

test('a tensor from outside is refused though TensorFlow has not seen it yet', { skip }, (t) => {
  const run = traced(engine, (x: Tensor) => x.add(fresh) as Tensor);
  let fresh = tf.tensor1d([1, 2]) as Tensor;
  const x = normal('x', [2]);
  said(t, () => run(x));
  fresh = tf.tensor1d([10, 20]) as Tensor;
  assertClose(run(x), x.add(fresh));
});

test('an error of the function is its own, and the engine works on', { skip }, () => {
  const run = traced(engine, (x: Tensor) => {
    if (x.shape[0] === 1) throw new Error('one is too few');
    return x.neg() as Tensor;
  });
  const before = tf.memory().numTensors;
  assert.throws(() => run(tf.tidy(() => tf.ones([1]))), /one is too few/);
  const x = tf.ones([2]) as Tensor;
  assert.deepEqual(values(run(x)), [-1, -1]);
  assert.ok(tf.memory().numTensors - before <= 3);
});

test('an engine that does not trace runs the function itself, and frees what it makes on the way', async () => {
  const plain = await openEngine({ prefer: engine.name, fast: false });
  assert.equal(plain.traces, false);
  const run = traced(plain, (x: Tensor) => x.square().add(1).sqrt() as Tensor);
  const x = tf.tensor1d([3]) as Tensor;
  const before = tf.memory().numTensors;
  const y = run(x);
  assert.equal(tf.memory().numTensors - before, 1);
  assert.ok(Math.abs(values(y)[0]! - Math.sqrt(10)) < 1e-6);
});

test('graphs are bounded: the one that was used longest ago is freed and made again when asked for', {
  skip,
}, () => {
  const run = traced(engine, (x: Tensor) => x.add(1) as Tensor);
  const graphOf = (size: number) => {
    const x = tf.ones([size]) as Tensor;
    const y = run(x);
    assert.deepEqual(values(y), values(x.add(1)));
    return calls(() => run(x)).join();
  };
  const first = graphOf(1);
  for (let size = 2; size <= MOST_GRAPHS + 1; size++) graphOf(size);
  const x = tf.ones([1]) as Tensor;
  assert.throws(
    () => rawOps(tf).run(first, [], [x]),
    /neither a type of a primitive operation nor a name of a function/,
  );
});

test('no tensor is left by recording, by calls or by giving up', { skip }, (t) => {
  const outside = normal('outside', [2]);
  const x = normal('x', [2]);
  const inputs = netInputs(2);
  const before = tf.memory().numTensors;
  said(t, () => {
    const run = traced(engine, (x: Tensor) => x.mul(outside) as Tensor);
    for (let i = 0; i < 3; i++) run(x).dispose();
  });
  const run = traced(engine, net);
  for (let i = 0; i < 3; i++) run(inputs).dispose();
  // Small constants are kept for the life of the process, and were there before.
  assert.equal(tf.memory().numTensors, before);
});

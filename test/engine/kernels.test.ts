import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Engine, nativeProblem, openEngine, type Tensor } from '../../src/engine/engine.ts';
import { createFastKernels } from '../../src/engine/fast-kernels.ts';
import type { Kernels } from '../../src/engine/kernels.ts';
import { rawOps } from '../../src/engine/raw-ops.ts';
import { createRandom, hashSeed } from '../../src/random.ts';

type Case = { name: string; shapes: number[][]; apply(k: Kernels, inputs: Tensor[], engine: Engine): Tensor };

const CASES: Case[] = [
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

function normals(label: string, length: number): Float32Array {
  const random = createRandom(hashSeed('kernels', label));
  return Float32Array.from({ length }, () => random.normal());
}

const size = (shape: number[]) => shape.reduce((n, d) => n * d, 1);

/** Output, and gradients of sum(output * fixed noise) for every input. */
function evaluate(engine: Engine, { name, shapes, apply }: Case): Float32Array[] {
  const { tf } = engine;
  return tf.tidy(() => {
    const inputs = shapes.map((shape, i) => tf.tensor(normals(`${name} ${i}`, size(shape)), shape) as Tensor);
    const out = apply(engine.kernels, inputs, engine);
    const noise = tf.tensor(normals(`${name} dy`, out.size), out.shape);
    const grads = tf.grads((...xs: Tensor[]) => apply(engine.kernels, xs, engine).mul(noise).sum())(inputs);
    return [out, ...grads].map((tensor) => Float32Array.from(tensor.dataSync()));
  });
}

function assertClose(got: Float32Array[], want: Float32Array[], relative: number, label: string): void {
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

const native = nativeProblem();
const skip = native === null ? false : `native engine: ${native}`;
const plain = await openEngine({ prefer: native === null ? 'native' : 'cpu', fast: false });

for (const kernelCase of CASES) {
  test(`${kernelCase.name}: fast equals plain, values and gradients (1e-5)`, { skip }, async () => {
    const fast = await openEngine({ prefer: 'native' });
    assertClose(evaluate(fast, kernelCase), evaluate(plain, kernelCase), 1e-5, kernelCase.name);
  });

  test(`${kernelCase.name}: plain gradients equal finite differences (1e-2)`, () => {
    const { tf } = plain;
    const { name, shapes, apply } = kernelCase;
    const [out, ...grads] = evaluate(plain, kernelCase);
    const noise = normals(`${name} dy`, out!.length);
    const inputs = shapes.map((shape, i) => normals(`${name} ${i}`, size(shape)));
    const loss = (values: Float32Array[]) =>
      tf.tidy(() => {
        const result = apply(
          plain.kernels,
          values.map((data, i) => tf.tensor(data, shapes[i]!) as Tensor),
          plain,
        );
        const data = result.dataSync();
        return noise.reduce((sum, weight, i) => sum + weight * data[i]!, 0);
      });
    const step = 1e-2;
    for (const [i, values] of inputs.entries()) {
      for (const j of [0, Math.floor(values.length / 2), values.length - 1]) {
        const nudged = (by: number) =>
          inputs.map((data, k) => (k === i ? data.with(j, data[j]! + by) : data));
        const slope = (loss(nudged(step)) - loss(nudged(-step))) / (2 * step);
        const got = grads[i]![j]!;
        assert.ok(
          Math.abs(got - slope) <= 1e-2 * Math.max(1, Math.abs(slope)),
          `input ${i}, element ${j}: ${got} against ${slope}`,
        );
      }
    }
  });
}

test('on a GPU no kernel calls an operation that only the CPU has', { skip }, async (t) => {
  const { tf } = await openEngine({ prefer: 'native' });
  const { backend } = rawOps(tf);
  const called: string[] = [];
  for (const method of ['executeSingleOutput', 'executeMultipleOutputs'] as const) {
    const original = backend[method].bind(backend) as (name: string, ...rest: unknown[]) => unknown;
    t.mock.method(backend, method, (name: string, ...rest: unknown[]) => {
      called.push(name);
      return original(name, ...rest);
    });
  }
  const own = () => called.splice(0).filter((name) => name.startsWith('Diptych'));
  const run = (onGpu: boolean) => {
    for (const kernelCase of CASES)
      evaluate({ tf, name: 'native', traces: false, kernels: createFastKernels(tf, onGpu) }, kernelCase);
  };
  run(true);
  assert.deepEqual(own(), []);
  run(false);
  assert.ok(own().length > 0, 'on the CPU they are called');
});

test('no kernel leaks a tensor, forward or backward', { skip }, async () => {
  const fast = await openEngine({ prefer: 'native' });
  for (const kernelCase of CASES) evaluate(fast, kernelCase);
  const before = fast.tf.memory().numTensors;
  for (const kernelCase of CASES) evaluate(fast, kernelCase);
  assert.equal(fast.tf.memory().numTensors, before);
});

test('linear layers and convolutions compute no gradient that nobody asks for', { skip }, async (t) => {
  const { tf, kernels: k } = await openEngine({ prefer: 'native' });
  const backend = tf.backend() as unknown as { executeSingleOutput(name: string): void };
  const execute = t.mock.method(backend, 'executeSingleOutput');
  const operations = (work: () => unknown) => {
    execute.mock.resetCalls();
    tf.tidy(() => void work());
    return execute.mock.calls.map(({ arguments: [name] }) => name);
  };
  const [image, filter] = [tf.ones([1, 4, 4, 2]), tf.ones([3, 3, 2, 2])] as [Tensor, Tensor];
  const [matrix, bias] = [tf.ones([2, 2]), tf.ones([2])] as [Tensor, Tensor];
  const y = (x: Tensor, filter: Tensor) => k.linear(k.conv2d(x, filter, bias), matrix, bias).sum();

  const ofImage = operations(() => tf.grad((x) => y(x, filter))(image));
  assert.ok(ofImage.includes('Conv2DBackpropInput'));
  assert.ok(!ofImage.includes('Conv2DBackpropFilter') && !ofImage.includes('BiasAddGrad'));
  assert.equal(ofImage.filter((name) => name === 'MatMul').length, 2, 'one forward, one back to the image');
  const ofFilter = operations(() => tf.grad((filter) => y(image, filter))(filter));
  assert.ok(ofFilter.includes('Conv2DBackpropFilter') && !ofFilter.includes('Conv2DBackpropInput'));
  tf.dispose([image, filter, matrix, bias]);
});

test('normalisation gives the same bits every time, on all threads', { skip }, async () => {
  const fast = await openEngine({ prefer: 'native' });
  const wide = CASES.filter(({ name }) => name.includes('threads'));
  assert.equal(wide.length, 2);
  for (const one of wide) {
    const first = evaluate(fast, one);
    for (let again = 0; again < 5; again++) assert.deepEqual(evaluate(fast, one), first);
  }
});

test('normalisation refuses channels that do not fit', { skip }, async () => {
  const { tf, kernels } = await openEngine({ prefer: 'native' });
  const attempt = (channels: number, groups: number) =>
    tf.tidy(() => {
      const vector = tf.ones([4]) as Tensor;
      return kernels.groupNorm(tf.ones([1, 2, 2, channels]) as Tensor, vector, vector, groups, 1e-5).size;
    });
  assert.equal(attempt(4, 2), 16);
  assert.throws(() => attempt(4, 3), /as many channels as gamma and beta, and divide into the groups/);
  assert.throws(() => attempt(6, 2), /as many channels as gamma and beta, and divide into the groups/);
  const narrow = () =>
    tf.tidy(() => kernels.layerNorm(tf.ones([2, 6]), tf.ones([4]), tf.ones([6]), 1e-5).size);
  assert.throws(narrow, /as many channels as gamma and beta/);
  assert.throws(() => tf.tidy(() => kernels.geglu(tf.ones([2, 5])).size), /even number of channels/);
});

test('WASM trains: convolution filter gradients equal the reference (1e-4)', async () => {
  const convs = CASES.filter((kernelCase) => kernelCase.name.startsWith('conv'));
  const want = convs.map((kernelCase) => evaluate(plain, kernelCase));
  const wasm = await openEngine({ prefer: 'wasm' });
  for (const [i, kernelCase] of convs.entries())
    assertClose(evaluate(wasm, kernelCase), want[i]!, 1e-4, kernelCase.name);
});

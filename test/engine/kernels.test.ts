import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nativeProblem, openEngine, type Tensor } from '../../src/engine/engine.ts';
import { createFastKernels } from '../../src/engine/fast-kernels.ts';
import { rawOps } from '../../src/engine/raw-ops.ts';
import { assertClose, CASES, evaluate, normals, size } from './kernel-cases.ts';

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
      evaluate(
        { tf, name: 'native', traces: false, chains: 1, kernels: createFastKernels(tf, { onGpu }) },
        kernelCase,
      );
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

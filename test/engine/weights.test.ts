/** Named weights out of files into the engine and back: by name, by shape, in the order of axes that each wants. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { openEngine, type Tensor } from '../../src/engine/engine.ts';
import { type HostTensor, readTensors, writeSafetensors } from '../../src/engine/safetensors.ts';
import {
  disposeWeights,
  engineShape,
  loadWeights,
  type ParameterKind,
  type ParameterSpec,
  saveWeights,
  toDevice,
  toEngineLayout,
  toHost,
  toTorchLayout,
} from '../../src/engine/weights.ts';
import { createRandom } from '../../src/random.ts';
import { temporaryFolder } from '../temporary.ts';

const engine = await openEngine();
const { tf } = engine;

const SPECS: ParameterSpec[] = [
  { name: 'proj.weight', shape: [5, 7], kind: 'linear' },
  { name: 'proj.bias', shape: [5], kind: 'vector' },
  { name: 'conv.weight', shape: [4, 3, 2, 5], kind: 'conv' },
  { name: 'tokens.weight', shape: [6, 2], kind: 'embedding' },
  { name: 'scale', shape: [], kind: 'vector' },
];

const random = createRandom(5);
const made = (shape: number[]): HostTensor => {
  const data = Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => random.normal());
  return { shape, dtype: 'float32', data };
};
const TENSORS = Object.fromEntries(SPECS.map(({ name, shape }) => [name, made(shape)]));

/** Value of a tensor in torch's order at the place that the engine keeps at `index`. */
function torchValue({ shape, data }: HostTensor, kind: ParameterKind, index: number[]): number {
  const [a, b, c, d] = index as [number, number, number, number];
  const torchIndex = kind === 'linear' ? [b, a] : kind === 'conv' ? [d, c, a, b] : index;
  return data[torchIndex.reduce((at, i, axis) => at * shape[axis]! + i, 0)]!;
}

/** All indices of a shape, the last axis first: the order of the values in memory. */
const indicesOf = (shape: number[]): number[][] =>
  shape.reduce<number[][]>(
    (all, size) => all.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i])),
    [[]],
  );

async function fileWith(
  t: Parameters<typeof temporaryFolder>[0],
  tensors: Record<string, HostTensor>,
): Promise<string> {
  const file = path.join(await temporaryFolder(t), 'weights.safetensors');
  await writeSafetensors(file, tensors);
  return file;
}

/** The load fails with this message and keeps no tensor. */
async function assertRefused(
  files: string | string[],
  specs: ParameterSpec[],
  message: string,
  code = 'DIPTYCH_BAD_MODEL',
): Promise<void> {
  const before = tf.memory().numTensors;
  await assert.rejects(loadWeights(engine, files, specs), { code, message });
  assert.equal(tf.memory().numTensors, before);
}

test('a linear weight becomes [in, out], a convolution [kh, kw, in, out]; every value is where it belongs', () => {
  for (const spec of SPECS) {
    const torch = TENSORS[spec.name]!;
    const turned = toEngineLayout(torch, spec.kind);
    assert.deepEqual(turned.shape, engineShape(spec), spec.name);
    for (const [at, index] of indicesOf(turned.shape).entries())
      assert.equal(turned.data[at], torchValue(torch, spec.kind, index), `${spec.name} [${index}]`);
    assert.deepEqual(toTorchLayout(turned, spec.kind), torch, `${spec.name} there and back`);
  }
  assert.deepEqual(engineShape(SPECS[0]!), [7, 5]);
  assert.deepEqual(engineShape(SPECS[2]!), [2, 5, 3, 4]);
});

test('integers keep their type when the order of axes changes', () => {
  const whole: HostTensor = { shape: [2, 3], dtype: 'int32', data: Int32Array.of(1, 2, 3, 4, 5, 6) };
  assert.deepEqual(toEngineLayout(whole, 'linear'), {
    shape: [3, 2],
    dtype: 'int32',
    data: Int32Array.of(1, 4, 2, 5, 3, 6),
  });
});

test('weights come out of a file, surplus tensors stay in it, and saving gives the same tensors back', async (t) => {
  const file = await fileWith(t, { ...TENSORS, 'unknown.weight': made([3, 3]) });
  const before = tf.memory().numTensors;
  const weights = await loadWeights(engine, file, SPECS);
  assert.deepEqual(
    Object.keys(weights),
    SPECS.map(({ name }) => name),
  );
  assert.equal(tf.memory().numTensors, before + SPECS.length);
  for (const spec of SPECS) {
    const tensor = weights[spec.name]!;
    assert.deepEqual(tensor.shape, engineShape(spec));
    assert.deepEqual([...tensor.dataSync()], [...toEngineLayout(TENSORS[spec.name]!, spec.kind).data]);
  }
  assert.deepEqual(toHost(weights, SPECS), TENSORS);
  const saved = path.join(path.dirname(file), 'saved.safetensors');
  await saveWeights(saved, weights, SPECS);
  assert.deepEqual(await readTensors(saved), TENSORS);
  disposeWeights(weights);
  assert.equal(tf.memory().numTensors, before);
});

test('a weight outlives the tidy that it was made in', () => {
  const before = tf.memory().numTensors;
  let held: Tensor | undefined;
  tf.tidy(() => {
    held = toDevice(engine, TENSORS['proj.bias']!);
  });
  assert.equal(tf.memory().numTensors, before + 1);
  assert.deepEqual([...held!.dataSync()], [...TENSORS['proj.bias']!.data]);
  held!.dispose();
});

test('weights may be spread over files, and stand under another name', async (t) => {
  const { 'proj.weight': projection, scale, ...rest } = TENSORS;
  const folder = await temporaryFolder(t);
  const files = ['1', '2'].map((name) => path.join(folder, name));
  await writeSafetensors(files[0]!, { 'old.proj.weight': projection! });
  await writeSafetensors(files[1]!, { ...rest, scale: scale! });
  const alias = (name: string) => [`older.${name}`, `old.${name}`];
  const weights = await loadWeights(engine, files, SPECS, { alias });
  assert.deepEqual(toHost(weights, SPECS), TENSORS);
  disposeWeights(weights);
  await assertRefused(files, SPECS, `${files.join(', ')}: no tensor "proj.weight" of shape [5,7]`);
});

test('a missing tensor is named with the shape it should have', async (t) => {
  const { 'conv.weight': _, ...rest } = TENSORS;
  const file = await fileWith(t, rest);
  await assertRefused(file, SPECS, `${file}: no tensor "conv.weight" of shape [4,3,2,5]`);
});

test('a wrong shape is named, found and expected, also where the number of values is right', async (t) => {
  for (const shape of [[7, 5], [5, 7, 1], [35], [5, 8]]) {
    const file = await fileWith(t, { ...TENSORS, 'proj.weight': made(shape) });
    await assertRefused(file, SPECS, `${file}: tensor "proj.weight" has shape [${shape}], expected [5,7]`);
  }
});

test('a file that cannot be read is told apart from a model that does not fit', async (t) => {
  const missing = path.join(await temporaryFolder(t), 'missing');
  const message = `can't open ${missing}: ENOENT: no such file or directory, open '${missing}'`;
  await assertRefused(missing, SPECS, message, 'DIPTYCH_BAD_FILE');
});

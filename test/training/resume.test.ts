/** Stopped, killed or damaged in any way: a run that goes on ends with the bits of one that was left alone. */
import assert from 'node:assert/strict';
import { appendFile, cp, link, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { openEngine } from '../../src/engine/engine.ts';
import { readTensors } from '../../src/engine/safetensors.ts';
import { toHost } from '../../src/engine/weights.ts';
import { DiptychError } from '../../src/errors.ts';
import { loadDiffusionModel } from '../../src/models/folders/model-folder.ts';
import type { TrainSettings } from '../../src/training/settings.ts';
import { type TrainProgress, trainPairs } from '../../src/training/train.ts';
import { withoutBfloat16 } from '../bfloat16.ts';
import { temporaryFolder } from '../temporary.ts';
import { assertSameRun, killed } from './interrupted.ts';
import { checkpointsOf, telemetryOf, tensorsOf, tinyModel, tinyRun, tunedWeights } from './tiny.ts';

const engine = await openEngine();
const common = await temporaryFolder({ after });
const model = await tinyModel(engine, common);
// Weak enough a tie that no step saturates: every pair, timestep and learning rate leaves its mark on the weights.
const SETTINGS = { steps: 6, checkpointEvery: 2, warmUp: 4, beta: 20, weightDecay: 0.1 };

const UNDISTURBED = path.join(common, 'undisturbed');
await trainPairs(tinyRun(engine, model, UNDISTURBED, SETTINGS));

/** Runs on in a folder, to the end or until `stopAt`; what it did, in order. */
async function goOn(
  folder: string,
  settings: Partial<TrainSettings> = SETTINGS,
  stopAt?: { phase: TrainProgress['phase']; done: number },
  pairs?: number,
): Promise<string[]> {
  const did: string[] = [];
  const run = trainPairs({
    ...tinyRun(engine, model, folder, settings, pairs),
    onProgress({ phase, done }) {
      did.push(`${phase} ${done}`);
      if (phase === stopAt?.phase && done === stopAt.done) throw new Error('stopped');
    },
  });
  if (stopAt) await assert.rejects(run, { message: 'stopped' });
  else await run;
  return did;
}

/** Fails unless both runs left the same weights and telemetry. */
const assertSame = (folder: string, undisturbed = UNDISTURBED) => assertSameRun(folder, undisturbed);

const steps = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => `train ${first + i}`);

test('the undisturbed run moves the weights at every step and writes one line a step', async () => {
  const telemetry = await telemetryOf(UNDISTURBED);
  assert.deepEqual(
    telemetry.map(({ step }) => step),
    [1, 2, 3, 4, 5, 6],
  );
  assert.ok(telemetry.every(({ gradNorm, loss }) => gradNorm > 0.1 && loss > 0.05));
  const base = await tunedWeights(model.folder, '.');
  assert.ok(!base.equals(await tunedWeights(UNDISTURBED)));
});

test('stopped by an exception three times, a run ends with the same bits and telemetry', async (t) => {
  const folder = await temporaryFolder(t);
  assert.deepEqual(await goOn(folder, SETTINGS, { phase: 'train', done: 1 }), ['invert 6', 'train 1']);
  // Without a checkpoint it starts at the first step, with the trajectories that are there.
  assert.deepEqual(await goOn(folder, SETTINGS, { phase: 'train', done: 3 }), steps(1, 3));
  assert.deepEqual(await goOn(folder, SETTINGS, { phase: 'train', done: 4 }), steps(3, 4));
  assert.deepEqual(await goOn(folder), steps(5, 6));
  await assertSame(folder);
});

test('paused behind any step, a run goes on with the next one and ends with the same bits', async (t) => {
  for (const at of [1, 3, 4]) {
    const folder = await temporaryFolder(t);
    const did: string[] = [];
    const run = trainPairs({
      ...tinyRun(engine, model, folder, SETTINGS),
      onProgress({ phase, done }) {
        did.push(`${phase} ${done}`);
        if (phase === 'train' && done === at) throw new DiptychError('DIPTYCH_PAUSED', 'paused');
      },
    });
    await assert.rejects(run, { code: 'DIPTYCH_PAUSED' });
    assert.equal(did.at(-1), `train ${at}`);
    assert.deepEqual(await goOn(folder), steps(at + 1, 6));
    await assertSame(folder);
  }
});

test('one that lost its lease writes no checkpoint on its way out', async (t) => {
  const folder = await temporaryFolder(t);
  const run = trainPairs({
    ...tinyRun(engine, model, folder, SETTINGS),
    onProgress({ phase, done }) {
      if (phase === 'train' && done === 3) throw new DiptychError('DIPTYCH_STALE_ATTEMPT', 'stale');
    },
  });
  await assert.rejects(run, { code: 'DIPTYCH_STALE_ATTEMPT' });
  assert.deepEqual(await checkpointsOf(folder), ['step-2']);
});

test('the checkpoint is whole before a step is reported, and only the newest two are kept', async (t) => {
  const folder = await temporaryFolder(t);
  const seen: string[][] = [];
  await trainPairs({
    ...tinyRun(engine, model, folder, { ...SETTINGS, steps: 8 }),
    async onProgress({ phase, done }) {
      if (phase === 'train' && done % 2 === 0) seen.push(await checkpointsOf(folder));
    },
  });
  assert.deepEqual(seen, [['step-2'], ['step-2', 'step-4'], ['step-4', 'step-6'], ['step-6', 'step-8']]);
});

test('a checkpoint that was being written is never used', async (t) => {
  const folder = await temporaryFolder(t);
  await goOn(folder, SETTINGS, { phase: 'train', done: 3 });
  const checkpoints = path.join(folder, 'checkpoints');
  // One cut short at its first byte, one that lacks only its name: of another run, so using it would show.
  await mkdir(path.join(checkpoints, 'step-5.partial'));
  await writeFile(path.join(checkpoints, 'step-5.partial', 'optimizer.safetensors'), '');
  const other = await temporaryFolder(t);
  await goOn(other, { ...SETTINGS, seed: 9 }, { phase: 'train', done: 4 });
  await cp(path.join(other, 'checkpoints', 'step-4'), path.join(checkpoints, 'step-4.partial'), {
    recursive: true,
  });
  await writeFile(path.join(checkpoints, 'step-4.partial', 'stray.tmp'), '');
  assert.deepEqual(await goOn(folder), steps(3, 6));
  await assertSame(folder);
  assert.ok(!(await checkpointsOf(folder)).includes('step-4.partial'));
  const whole = (of: string) => readdir(path.join(of, 'checkpoints', 'step-4'), { recursive: true });
  assert.deepEqual((await whole(folder)).sort(), (await whole(UNDISTURBED)).sort());
});

test('telemetry is cut back to the checkpoint: no step twice, none lost, no half line', async (t) => {
  const folder = await temporaryFolder(t);
  await goOn(folder, SETTINGS, { phase: 'train', done: 3 });
  const file = path.join(folder, 'telemetry.jsonl');
  assert.equal((await telemetryOf(folder)).length, 3);
  await appendFile(file, '{"step":4,"loss":0.69');
  assert.deepEqual(await goOn(folder), steps(3, 6));
  await assertSame(folder);
});

test('cutting back telemetry never leaves less than the checkpoint has, even for a moment', async (t) => {
  const folder = await temporaryFolder(t);
  await goOn(folder, SETTINGS, { phase: 'train', done: 3 });
  const file = path.join(folder, 'telemetry.jsonl');
  const before = await readFile(file, 'utf8');
  // A second name of the old file: emptied in place, it would lose its lines under this name too.
  await link(file, `${file}.old`);
  await goOn(folder);
  assert.equal(await readFile(`${file}.old`, 'utf8'), before);
  await assertSame(folder);
});

test('killed with SIGKILL after a step, a run ends with the same bits and telemetry', async (t) => {
  const folder = await temporaryFolder(t);
  const waitAt = { phase: 'train', done: 5 } as const;
  const { folder: base } = model;
  await killed(
    { base, folder, settings: SETTINGS, pairs: 3, waitAt },
    ({ phase, done }) => phase === 'train' && done === 5,
  );
  assert.equal((await telemetryOf(folder)).length, 5);
  assert.deepEqual(await checkpointsOf(folder), ['step-2', 'step-4']);
  assert.deepEqual(await goOn(folder), steps(5, 6));
  await assertSame(folder);
});

test('killed anywhere in a step or a checkpoint, a run ends with the same bits and telemetry', async (t) => {
  const folder = await temporaryFolder(t);
  // It checkpoints every step and never ends by itself; the kill falls where it falls.
  const settings = { ...SETTINGS, steps: 1e6, checkpointEvery: 1 };
  await killed(
    { base: model.folder, folder, settings, pairs: 3 },
    ({ phase, done }) => phase === 'train' && done >= 4,
  );
  const newest = Math.max(
    ...(await checkpointsOf(folder)).flatMap((name) => /^step-(\d+)$/.exec(name)?.[1] ?? []).map(Number),
  );
  assert.ok(newest >= 4, `newest checkpoint: ${newest}`);
  const rest = { ...settings, steps: newest + 2 };
  assert.deepEqual(await goOn(folder, rest), steps(newest + 1, newest + 2));
  const undisturbed = await temporaryFolder(t);
  await goOn(undisturbed, rest);
  await assertSame(folder, undisturbed);
});

/** Each way of training that leaves other files, or runs other code, than training all weights straight on. */
const OTHERS: Record<string, Partial<TrainSettings>> = {
  'a LoRA': { lora: { rank: 2, alpha: 3, convolutions: true } },
  'a LoRA with gradient checkpointing': {
    lora: { rank: 2, convolutions: false },
    gradientCheckpointing: true,
  },
  'gradient checkpointing': { gradientCheckpointing: true },
  'Adafactor with an average, micro-batches, frozen parts and a cosine': {
    optimizer: 'adafactor',
    ...{ ema: 0.9, accumulate: 2, freeze: ['conv_in.*'], schedule: 'cosine' },
  },
  'a LoRA with an average': { lora: { rank: 2, convolutions: false }, ema: 0.9 },
  'InPO, which inverts by the weights of the step': { objective: 'inpo' },
  'products in bfloat16': { precision: 'bfloat16' },
};
const noBfloat16 = await withoutBfloat16();
for (const [name, other] of Object.entries(OTHERS)) {
  const skip = other.precision === 'bfloat16' && noBfloat16;
  test(`${name}: stopped once and killed once, a run ends with the same bits and telemetry`, {
    skip,
  }, async (t) => {
    const [folder, undisturbed] = [await temporaryFolder(t), await temporaryFolder(t)];
    const settings = { ...SETTINGS, ...other };
    await goOn(undisturbed, settings);
    await goOn(folder, settings, { phase: 'train', done: 3 });
    const waitAt = { phase: 'train', done: 5 } as const;
    await killed(
      { base: model.folder, folder, settings, pairs: 3, waitAt },
      ({ phase, done }) => phase === 'train' && done === 5,
    );
    assert.deepEqual(await goOn(folder, settings), steps(5, 6));
    await assertSame(folder, undisturbed);
    assert.ok(!(await tunedWeights(folder)).equals(await tunedWeights(model.folder, '.')));
    if (!('lora' in other)) return;
    const file = 'pytorch_lora_weights.safetensors';
    const bytes = (...parts: string[]) => readFile(path.join(...parts, file));
    assert.ok((await bytes(folder)).equals(await bytes(undisturbed)), 'the LoRA files differ');
    // The checkpoint at the end has the same LoRA, and no model.
    const last = path.join(folder, 'checkpoints', 'step-6');
    assert.ok((await bytes(last)).equals(await bytes(folder)));
    assert.deepEqual((await readdir(last)).sort(), ['optimizer.safetensors', file, 'state.json']);
  });
}

test('killed while it inverts, a run inverts only what is missing and ends with the same bits', async (t) => {
  const [folder, undisturbed] = [await temporaryFolder(t), await temporaryFolder(t)];
  const settings = { ...SETTINGS, inversionSteps: 3, steps: 2 };
  const pairs = 35;
  const waitAt = { phase: 'invert', done: 32 } as const;
  await killed({ base: model.folder, folder, settings, pairs, waitAt }, ({ done }) => done === 32);
  // What a kill in the middle of a batch leaves: some files of it, the last one cut short.
  const partial = path.join(folder, 'trajectories', 'batch-2.partial');
  await mkdir(partial);
  await writeFile(path.join(partial, 'abc'), new Uint8Array(1001).fill(63));
  assert.deepEqual(await goOn(folder, settings, undefined, pairs), [
    'invert 64',
    'invert 70',
    ...steps(1, 2),
  ]);
  assert.deepEqual(await goOn(undisturbed, settings, undefined, pairs), [
    ...['invert 32', 'invert 64', 'invert 70'],
    ...steps(1, 2),
  ]);
  await assertSame(folder, undisturbed);
  const names = (await readdir(path.join(undisturbed, 'trajectories'))).sort();
  assert.deepEqual((await readdir(path.join(folder, 'trajectories'))).sort(), names);
  for (const name of names) {
    const bytes = (of: string) => readFile(path.join(of, 'trajectories', name));
    assert.ok((await bytes(folder)).equals(await bytes(undisturbed)), 'the trajectories differ');
  }
});

test('asked again after its end, a run takes no step and leaves the same model', async (t) => {
  const folder = await temporaryFolder(t);
  await cp(UNDISTURBED, folder, { recursive: true });
  await writeFile(path.join(folder, 'model', 'unet', 'diffusion_pytorch_model.safetensors'), 'cut short');
  assert.deepEqual(await goOn(folder), []);
  await assertSame(folder);
});

test('the tuned model is the base model in diffusers layout with the last checkpoint as its UNet', async () => {
  const tuned = await loadDiffusionModel(engine, path.join(UNDISTURBED, 'model'));
  const checkpoint = await loadDiffusionModel(
    engine,
    path.join(UNDISTURBED, 'checkpoints', 'step-6', 'model'),
  );
  const host = (of: typeof tuned) => toHost(of.unet.weights, of.unet.specs);
  assert.deepEqual(host(tuned), host(checkpoint));
  assert.notEqual(tuned.hash, model.hash);
  const weightsFile = path.join('unet', 'diffusion_pytorch_model.safetensors');
  const inFile = await readTensors(path.join(tuned.folder, weightsFile));
  assert.deepEqual(Object.keys(inFile).sort(), model.unet.specs.map(({ name }) => name).sort());
  for (const { name, shape } of model.unet.specs) assert.deepEqual(inFile[name]!.shape, shape, name);
  const files = async (folder: string) =>
    (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
      .sort();
  assert.deepEqual(await files(tuned.folder), await files(model.folder));
  for (const file of await files(tuned.folder)) {
    if (file === weightsFile) continue;
    const [ours, base] = [tuned.folder, model.folder].map((folder) => readFile(path.join(folder, file)));
    assert.ok((await ours!).equals(await base!), file);
  }
  tuned.dispose();
  checkpoint.dispose();
});

test('a checkpoint holds the step, the parameters and both moments', async () => {
  const folder = path.join(UNDISTURBED, 'checkpoints', 'step-6');
  assert.deepEqual(JSON.parse(await readFile(path.join(folder, 'state.json'), 'utf8')), { step: 6 });
  const { parameters, m, v } = await tensorsOf(path.join(folder, 'optimizer.safetensors'));
  const count = model.unet.specs.reduce((sum, { shape }) => sum + shape.reduce((n, d) => n * d, 1), 0);
  for (const vector of [parameters, m, v]) assert.equal(vector!.length, count);
  assert.ok(v!.every((x) => x >= 0) && v!.some((x) => x > 0) && m!.some((x) => x < 0));
});

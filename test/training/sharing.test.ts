/** Trajectories that trainings share: made once, whoever asks first, is killed, or is trimmed away. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { type Engine, openEngine } from '../../src/engine/engine.ts';
import { evaluationsText, pairEvaluations } from '../../src/training/evaluations.ts';
import type { TrainSettings } from '../../src/training/settings.ts';
import { type TrainOptions, type TrainProgress, trainPairs } from '../../src/training/train.ts';
import { trimFolder } from '../../src/training/trajectories/trim-folder.ts';
import { temporaryFolder } from '../temporary.ts';
import { TINY_TRAIN, telemetryOf, tinyModel, tinyRun, tunedWeights } from './tiny.ts';
import type { ChildArguments } from './train-child.ts';

const engine = await openEngine();
const model = await tinyModel(engine, await temporaryFolder({ after }));
const SETTINGS = { inversionSteps: 3, steps: 4, beta: 20 };
const PAIRS = 35;

/** The engine, with the images of every evaluation of a UNet noted: its first layer is the one from pixels. */
function counted(): { engine: Engine; images: { reference: number; all: number } } {
  const images = { reference: 0, all: 0 };
  const first = model.unet.weights['conv_in.weight']!;
  const conv2d: Engine['kernels']['conv2d'] = (x, weight, ...rest) => {
    if (weight === first) images.reference += x.shape[0]!;
    if (weight.shape.join() === first.shape.join()) images.all += x.shape[0]!;
    return engine.kernels.conv2d(x, weight, ...rest);
  };
  return { engine: { ...engine, traces: false, kernels: { ...engine.kernels, conv2d } }, images };
}

/** Trains; what was inverted on the way, by the numbers told. */
async function train(
  folder: string,
  trajectories: string,
  settings: Partial<TrainSettings> = {},
  { pairs = 3, ...more }: Partial<Omit<TrainOptions, 'pairs'>> & { pairs?: number } = {},
): Promise<{ inverted: number[]; evaluations: number }> {
  const inverted: number[] = [];
  let evaluations = 0;
  await trainPairs({
    ...tinyRun(engine, model, folder, { ...SETTINGS, ...settings }, pairs),
    trajectories,
    onProgress(message) {
      if (message.phase !== 'invert') return;
      inverted.push(message.done);
      evaluations = message.evaluations;
    },
    ...more,
  });
  return { inverted, evaluations };
}

const filesIn = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();

/** Trains in another process, which then waits, until a message; killed at once, or with the test. */
function child(t: TestContext, given: ChildArguments) {
  const process = fork(path.join(import.meta.dirname, 'train-child.ts'), [JSON.stringify(given)]);
  const ended = once(process, 'exit');
  const kill = async () => {
    process.kill('SIGKILL');
    await ended;
  };
  t.after(kill);
  const seen: string[] = [];
  return {
    kill,
    seen,
    until: (phase: TrainProgress['phase'], done: number) =>
      new Promise<void>((resolve, reject) => {
        process.on('message', (message: TrainProgress) => {
          seen.push(`${message.phase} ${message.done}`);
          if (message.phase === phase && message.done >= done) resolve();
        });
        process.once('exit', () => reject(new Error('it ended')));
      }),
  };
}

test('a second training on the same candidates inverts nothing, whatever else it is told', async (t) => {
  const [first, second, shared] = await Promise.all([1, 2, 3].map(() => temporaryFolder(t)));
  const once = counted();
  const made = await train(first!, shared!, {}, { engine: once.engine });
  assert.deepEqual(made, { inverted: [6], evaluations: 18 });
  // Two pairs a step, so four images of the reference.
  assert.equal(once.images.reference, 18 + 4 * 4);
  const again = counted();
  const found = await train(second!, shared!, {}, { engine: again.engine });
  assert.deepEqual(found, { inverted: [], evaluations: 0 });
  assert.equal(again.images.reference, 4 * 4);
  assert.ok((await tunedWeights(first!)).equals(await tunedWeights(second!)), 'the weights differ');
  assert.deepEqual(await telemetryOf(first!), await telemetryOf(second!));

  for (const settings of [{ form: 'endpoint' }, { seed: 7 }, { learningRate: 1e-5 }] as const)
    assert.deepEqual((await train(await temporaryFolder(t), shared!, settings)).inverted, []);
  assert.deepEqual((await train(await temporaryFolder(t), shared!, { guidance: 2 })).inverted, [6]);
  // More pairs: only their candidates are new.
  const more = await train(await temporaryFolder(t), shared!, {}, { pairs: 4 });
  assert.deepEqual(more, { inverted: [8], evaluations: 2 * 3 });
});

test('images alone are shared as well', async (t) => {
  const [first, second, shared] = await Promise.all([1, 2, 3].map(() => temporaryFolder(t)));
  assert.deepEqual(await train(first!, shared!, { objective: 'sft' }), { inverted: [6], evaluations: 0 });
  assert.deepEqual((await train(second!, shared!, { objective: 'diffusion-dpo' })).inverted, []);
});

test('a run that has ended holds nothing; the shared folder keeps it', async (t) => {
  const [folder, shared] = [await temporaryFolder(t), await temporaryFolder(t)];
  await train(folder, shared);
  assert.ok(!existsSync(path.join(folder, 'trajectories')));
  assert.equal((await filesIn(shared)).length, 6);
});

test('what is evicted during a run is still there for it, also after a stop', async (t) => {
  const [folder, undisturbed, shared] = await Promise.all([1, 2, 3].map(() => temporaryFolder(t)));
  const settings = { checkpointEvery: 2 };
  await train(undisturbed!, await temporaryFolder(t), settings);
  const stopped = train(folder!, shared!, settings, {
    async onProgress({ phase, done }) {
      if (phase === 'train') await trimFolder(shared!, 0);
      if (phase === 'train' && done === 3) throw new Error('stopped');
    },
  });
  await assert.rejects(stopped, { message: 'stopped' });
  assert.deepEqual(await filesIn(shared!), []);
  assert.deepEqual((await train(folder!, shared!, settings)).inverted, []);
  assert.ok((await tunedWeights(folder!)).equals(await tunedWeights(undisturbed!)), 'the weights differ');
});

test('a run that needs more than the budget works, and leaves the folder within it', async (t) => {
  const shared = await temporaryFolder(t);
  await train(await temporaryFolder(t), shared);
  const trajectoryBytes = 2 * (await oneFile(shared)) + 1;
  const { inverted } = await train(await temporaryFolder(t), shared, { guidance: 2 }, { trajectoryBytes });
  assert.deepEqual(inverted, [6]);
  assert.equal((await filesIn(shared)).length, 2);
  await train(await temporaryFolder(t), shared, { guidance: 2 }, { trajectoryBytes: 0 });
  assert.deepEqual(await filesIn(shared), []);
});

/** Bytes of a file of the shared folder. */
async function oneFile(shared: string): Promise<number> {
  const [entry] = (await readdir(shared, { recursive: true, withFileTypes: true })).filter((file) =>
    file.isFile(),
  );
  return (await stat(path.join(entry!.parentPath, entry!.name))).size;
}

test('two processes that invert the same candidates at once both train on', async (t) => {
  const shared = await temporaryFolder(t);
  const start = async () =>
    child(t, {
      ...{ base: model.folder, folder: await temporaryFolder(t), trajectories: shared },
      ...{ settings: SETTINGS, pairs: PAIRS, waitAt: { phase: 'train', done: SETTINGS.steps } },
    });
  const both = [await start(), await start()];
  await Promise.all(both.map(({ until }) => until('train', SETTINGS.steps)));
  assert.equal((await filesIn(shared)).length, 2 * PAIRS);
  for (const { kill } of both) await kill();
  const { inverted } = await train(await temporaryFolder(t), shared, {}, { pairs: PAIRS });
  assert.deepEqual(inverted, []);
});

test('after a process that was killed while it inverted, another goes on with the first that is missing', async (t) => {
  const shared = await temporaryFolder(t);
  const killed = child(t, {
    ...{ base: model.folder, folder: await temporaryFolder(t), trajectories: shared },
    ...{ settings: SETTINGS, pairs: PAIRS, waitAt: { phase: 'invert', done: 32 } },
  });
  await killed.until('invert', 32);
  await killed.kill();
  const { inverted } = await train(await temporaryFolder(t), shared, {}, { pairs: PAIRS });
  assert.deepEqual(inverted, [64, 70]);
});

test('killed anywhere while it inverts, a process leaves nothing that misleads another', async (t) => {
  const shared = await temporaryFolder(t);
  const folder = await temporaryFolder(t);
  const lines: string[] = [];
  t.mock.method(console, 'error', (line: string) => void lines.push(line));
  const given = { base: model.folder, folder, trajectories: shared, settings: SETTINGS, pairs: PAIRS };
  const running = child(t, given);
  await running.until('invert', 32);
  // Wherever in the next batches it is.
  await running.kill();
  await train(await temporaryFolder(t), shared, {}, { pairs: PAIRS });
  assert.equal((await filesIn(shared)).length, 2 * PAIRS);
  await train(folder, shared, {}, { pairs: PAIRS });
  assert.deepEqual(lines, []);
});

for (const [settings, policy] of [
  [{ form: 'shared-noise' }, 4],
  [{ form: 'shared-noise', guidance: 2, accumulate: 2 }, 4],
  [{ form: 'published' }, 4 * 3],
  [{ form: 'published', keptTimesteps: 2 }, 4 * 2],
  [{ objective: 'kto', rowsPerPair: 2 }, 8],
  [{ objective: 'inpo' }, null],
  [{ objective: 'smpo' }, null],
] as [Partial<TrainSettings>, number | null][]) {
  test(`evaluations are what the UNet did: ${JSON.stringify(settings)}`, async (t) => {
    const folder = await temporaryFolder(t);
    const { engine, images } = counted();
    const all = {
      ...settings,
      steps: 3,
      ...(settings.objective && settings.objective !== 'kto' && { beta: 1 }),
    };
    const { evaluations } = await train(folder, await temporaryFolder(t), all, { engine });
    const steps = await telemetryOf(folder);
    const told = steps.reduce((sum, step) => sum + step.policyEvaluations + step.referenceEvaluations, 0);
    assert.equal(images.all / (settings.guidance ?? 1), told + evaluations);
    if (policy === null) return;
    for (const step of steps)
      assert.deepEqual([step.policyEvaluations, step.referenceEvaluations], [policy, policy]);
  });
}

test('evaluations of a pair share the inversions out over all steps, beside the released code’s', () => {
  const steps = Array.from({ length: 50 }, () => ({ policyEvaluations: 8, referenceEvaluations: 8 }));
  const settings = { ...TINY_TRAIN, inversionSteps: 20, pairsPerStep: 4 };
  const perPair = pairEvaluations(settings, steps, 30);
  assert.deepEqual(perPair, { policy: 2, reference: 2, inversion: 3 });
  assert.equal(
    evaluationsText(perPair),
    '2 of the policy, 2 of the reference, 3 of inversions made once (released code: 160 and 160)',
  );
  assert.equal(pairEvaluations({ ...settings, objective: 'sft' }, steps, 30).inversion, 0);
});

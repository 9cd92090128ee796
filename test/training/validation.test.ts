/** The policy measured while it trains: what is drawn, which weights are kept, and that a kill changes nothing. */
import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { drawImages } from '../../src/diffusion/draw-images.ts';
import { openEngine } from '../../src/engine/engine.ts';
import { decodeImage } from '../../src/engine/png.ts';
import { type DiffusionModel, loadDiffusionModel } from '../../src/models/folders/model-folder.ts';
import { hashSeed } from '../../src/random.ts';
import type { TrainSettings } from '../../src/training/settings.ts';
import { readTelemetry } from '../../src/training/telemetry/telemetry.ts';
import { type TrainOptions, type TrainProgress, trainPairs } from '../../src/training/train.ts';
import type { ValidationEntry } from '../../src/training/validation/validation-entry.ts';
import { gridFile, readValidation, validationFile } from '../../src/training/validation/validation-files.ts';
import { temporaryFolder } from '../temporary.ts';
import { killed } from './interrupted.ts';
import {
  checkpointsOf,
  TINY_SCENES,
  telemetryOf,
  tinyJudge,
  tinyModel,
  tinyRun,
  tunedWeights,
} from './tiny.ts';

const engine = await openEngine();
const common = await temporaryFolder({ after });
const model = await tinyModel(engine, common);
const SETTINGS = {
  ...{ steps: 7, checkpointEvery: 4, warmUp: 4, beta: 20 },
  validation: { every: 3, annotations: 3, tuned: 'best' as const },
};
type Settings = Partial<TrainSettings>;

const run = (folder: string, settings: Settings, more: Partial<TrainOptions> = {}) =>
  trainPairs({ ...tinyRun(engine, model, folder, settings), ...more });
// Before the first test: tests begin as they are declared, and one counts tensors.
const UNDISTURBED = path.join(common, 'undisturbed');
await run(UNDISTURBED, SETTINGS);
const entriesOf = (folder: string) => Array.fromAsync(readValidation(folder));
/** What is of the run, not of the process. */
const lasting = (entries: readonly ValidationEntry[]) =>
  entries.map(({ at: _, seconds: __, ...entry }) => entry);

/** Rewards as told, measurement by measurement; of a run that measures one batch each time. */
function judgeOf(rewards: readonly number[]): TrainOptions['judge'] {
  let measured = 0;
  return async (scenes) => {
    const reward = rewards[measured++]!;
    return scenes.map(() => ({ metrics: { given: reward }, reward }));
  };
}

/** The validation images of a model in a folder, judged. */
async function measuredAgain(of: DiffusionModel) {
  const requests = TINY_SCENES.map(({ id, prompt }) => ({ prompt, seed: hashSeed('validation', 1, id) }));
  const images = drawImages(engine, of, requests, { steps: 3, guidance: 2 }, () => {});
  return (await tinyJudge(TINY_SCENES, images)).map((judged, i) => ({ id: TINY_SCENES[i]!.id, ...judged }));
}

const KINDS: Record<string, Settings> = {
  'all weights': {},
  'all weights but some, with an average': { freeze: ['conv_in.*'], ema: 0.9 },
  'a LoRA': { lora: { rank: 2, convolutions: true } },
  'a LoRA with an average': { lora: { rank: 2, convolutions: false }, ema: 0.9 },
};
for (const [name, kind] of Object.entries(KINDS)) {
  test(`${name}: step 0 is the base, the last step the tuned model, with equal noise; no tensor is left`, async (t) => {
    const [folder, plain] = [await temporaryFolder(t), await temporaryFolder(t)];
    const settings = { ...SETTINGS, ...kind, validation: { ...SETTINGS.validation, tuned: 'last' as const } };
    // Constants that are kept by shape are made the first time.
    await run(await temporaryFolder(t), settings);
    const before = engine.tf.memory().numTensors;
    const { model: tunedFolder } = await run(folder, settings);
    assert.equal(engine.tf.memory().numTensors, before);
    const entries = await entriesOf(folder);
    assert.deepEqual(
      entries.map(({ step }) => step),
      [0, 3, 6, 7],
    );
    const tuned = await loadDiffusionModel(engine, tunedFolder);
    assert.deepEqual(entries[0]!.images, await measuredAgain(model));
    assert.deepEqual(entries[3]!.images, await measuredAgain(tuned));
    assert.notDeepEqual(entries[3]!.images, entries[0]!.images);
    tuned.dispose();

    // Beside it, training is what it is without.
    await run(plain, { ...settings, validation: undefined });
    assert.deepEqual(await telemetryOf(folder), await telemetryOf(plain));
    assert.ok((await tunedWeights(folder)).equals(await tunedWeights(plain)));
    const tensors = async (of: string) =>
      (await Array.fromAsync(readTelemetry(path.join(of, 'telemetry.jsonl')))).map((entry) => entry.tensors);
    assert.deepEqual(await tensors(folder), await tensors(plain));
  });

  test(`${name}: the tuned model is that of the best step, or the last where that is asked for`, async (t) => {
    const [best, last] = [await temporaryFolder(t), await temporaryFolder(t)];
    const settings = { ...SETTINGS, ...kind, steps: 10 };
    // Steps 0, 3, 6, 9 and 10: two are equally good, the base better than all.
    const rewards = () => judgeOf([9, 1, 3, 3, 2]);
    const messages: TrainProgress[] = [];
    const chosen = await run(best, settings, {
      judge: rewards(),
      onProgress: (message) => void messages.push(message),
    });
    assert.deepEqual(
      messages.flatMap((message) => (message.phase === 'validate' ? [message.result!.bestStep] : [])),
      [null, 3, 6, 6, 6],
    );
    assert.deepEqual(await checkpointsOf(best), ['step-10', 'step-6', 'step-9']);
    const stopped = await temporaryFolder(t);
    await run(stopped, { ...settings, steps: 6, validation: undefined });
    assert.ok((await tunedWeights(best)).equals(await tunedWeights(stopped)));
    if (chosen.lora) {
      const bytes = (of: string) => readFile(path.join(of, 'pytorch_lora_weights.safetensors'));
      assert.ok((await bytes(best)).equals(await bytes(stopped)));
    }
    await run(
      last,
      { ...settings, validation: { ...SETTINGS.validation, tuned: 'last' } },
      { judge: rewards() },
    );
    assert.ok(!(await tunedWeights(last)).equals(await tunedWeights(best)));
    assert.ok((await checkpointsOf(last)).includes('step-6'));
  });
}

test('a line has the images in order and the mean loss since the line before; its grid shows them', async (t) => {
  const folder = await temporaryFolder(t);
  const { validation } = await run(folder, SETTINGS);
  const entries = await entriesOf(folder);
  const losses = (await telemetryOf(folder)).map(({ loss }) => loss);
  const mean = (from: number, to: number) =>
    losses.slice(from, to).reduce((sum, x) => sum + x, 0) / (to - from);
  assert.deepEqual(
    entries.map(({ loss }) => loss),
    [null, mean(0, 3), mean(3, 6), mean(6, 7)],
  );
  for (const { images } of entries) {
    assert.deepEqual(
      images.map(({ id, metrics }) => [id, Object.keys(metrics)]),
      [
        ['v0', ['bright', 'red']],
        ['v1', ['bright', 'red']],
        ['v2', ['bright']],
      ],
    );
  }
  assert.equal(validation!.lines, validationFile(folder));
  assert.deepEqual(
    validation!.grids,
    [0, 3, 6, 7].map((step) => ({ step, file: gridFile(folder, step) })),
  );
  // Three pictures of 8 pixels, each pixel 12 times.
  const { width, height } = await decodeImage(await readFile(validation!.grids[0]!.file));
  assert.deepEqual([width, height], [3 * 96, 96]);
});

/** Fails unless both runs left the same measurements, grids, events, checkpoints, telemetry and weights. */
async function assertSame(folder: string, undisturbed = UNDISTURBED): Promise<void> {
  assert.deepEqual(lasting(await entriesOf(folder)), lasting(await entriesOf(undisturbed)));
  for (const { step } of await entriesOf(folder)) {
    const [ours, theirs] = [
      await readFile(gridFile(folder, step)),
      await readFile(gridFile(undisturbed, step)),
    ];
    assert.ok(ours.equals(theirs), `the grids of step ${step} differ`);
  }
  const events = async (of: string) =>
    (await readFile(path.join(of, 'tensorboard', 'validation', 'events.out.tfevents.0'))).length;
  assert.equal(await events(folder), await events(undisturbed));
  assert.deepEqual(await checkpointsOf(folder), await checkpointsOf(undisturbed));
  assert.deepEqual(await telemetryOf(folder), await telemetryOf(undisturbed));
  assert.ok((await tunedWeights(folder)).equals(await tunedWeights(undisturbed)), 'the weights differ');
}

/** What a run does in a folder, in order. */
async function goOn(folder: string, settings: Settings = SETTINGS): Promise<string[]> {
  const did: string[] = [];
  await run(folder, settings, {
    onProgress: (message) => {
      if (message.phase === 'train') did.push(`train ${message.done}`);
      if (message.phase === 'validate') did.push(`validate ${message.result!.step}`);
    },
  });
  return did;
}
const child = (folder: string, settings: Settings = SETTINGS) => ({
  ...{ base: model.folder, folder, settings, pairs: 3 },
});

test('killed before a due measurement, a run takes it up first, from the checkpoint that was made for it', async (t) => {
  const folder = await temporaryFolder(t);
  const waitAt = { phase: 'train', done: 3 } as const;
  await killed({ ...child(folder), waitAt }, ({ phase, done }) => phase === 'train' && done === 3);
  assert.deepEqual(await checkpointsOf(folder), ['step-3']);
  assert.equal((await entriesOf(folder)).length, 1);
  // What a kill in the middle of the measurement leaves: a grid, half an event, half a line.
  await writeFile(gridFile(folder, 3), 'half a grid');
  await appendFile(path.join(folder, 'tensorboard', 'validation', 'events.out.tfevents.0'), 'half');
  await appendFile(validationFile(folder), '{"step":3,"images":[{"id":"v0","rew');
  assert.deepEqual(await goOn(folder), [
    ...['validate 3', 'train 4', 'train 5', 'train 6', 'validate 6'],
    ...['train 7', 'validate 7'],
  ]);
  await assertSame(folder);
});

test('killed before the first step, a run does not measure the base again', async (t) => {
  const folder = await temporaryFolder(t);
  const waitAt = { phase: 'validate', done: 3 } as const;
  await killed({ ...child(folder), waitAt }, ({ phase }) => phase === 'validate');
  const before = await entriesOf(folder);
  assert.deepEqual((await goOn(folder))[0], 'train 1');
  assert.deepEqual((await entriesOf(folder))[0], before[0]);
  await assertSame(folder);
});

test('asked again after its end, a run measures nothing and leaves the same model', async (t) => {
  const folder = await temporaryFolder(t);
  await run(folder, SETTINGS);
  assert.deepEqual(await goOn(folder), []);
  await assertSame(folder);
});

for (const [name, kind] of Object.entries(KINDS)) {
  test(`${name}: killed anywhere, twice, a run ends with the same measurements, best step and bits`, async (t) => {
    const [folder, undisturbed] = [await temporaryFolder(t), await temporaryFolder(t)];
    // It measures every step and never ends by itself; the kills fall where they fall.
    const settings = {
      ...{ ...SETTINGS, ...kind, steps: 1e6, checkpointEvery: 2 },
      validation: { ...SETTINGS.validation, every: 1 },
    };
    for (const enough of [2, 5]) {
      await killed(child(folder, settings), ({ phase, done }) => phase === 'train' && done >= enough);
    }
    // A best step whose checkpoint was being written is no checkpoint.
    await mkdir(path.join(folder, 'checkpoints', 'step-99.partial'));
    const newest = Math.max(
      ...(await checkpointsOf(folder)).flatMap((entry) => /^step-(\d+)$/.exec(entry)?.[1] ?? []).map(Number),
    );
    assert.ok(newest >= 5, `newest checkpoint: ${newest}`);
    const rest = { ...settings, steps: newest + 2 };
    await goOn(folder, rest);
    await goOn(undisturbed, rest);
    await assertSame(folder, undisturbed);
  });
}

test('an on-policy training is measured behind whole rounds and at its end; killed, it ends the same', async (t) => {
  const [folder, undisturbed] = [await temporaryFolder(t), await temporaryFolder(t)];
  const settings = {
    ...{ objective: 'ddpo' as const, steps: 8, checkpointEvery: 100, warmUp: 4, learningRate: 1e-3 },
    onPolicy: { samplingSteps: 4, scenesPerRound: 2, stepsPerRound: 3 },
    validation: { ...SETTINGS.validation, every: 2 },
  };
  await run(undisturbed, settings);
  assert.deepEqual(
    (await entriesOf(undisturbed)).map(({ step }) => step),
    [0, 3, 6, 8],
  );
  assert.deepEqual(await checkpointsOf(undisturbed), ['step-3', 'step-6']);
  for (const done of [3, 8]) {
    const waitAt = { phase: 'train', done } as const;
    await killed(
      { ...child(folder, settings), waitAt },
      (message) => message.phase === 'train' && message.done === done,
    );
  }
  await goOn(folder, settings);
  await assertSame(folder, undisturbed);
});

test('what it needs is asked for before anything is computed', async (t) => {
  const folder = await temporaryFolder(t);
  const refused = (more: Partial<TrainOptions>, message: RegExp) =>
    assert.rejects(run(path.join(folder, 'none'), SETTINGS, more), {
      code: 'DIPTYCH_INVALID_INPUT',
      message,
    });
  await refused({ judge: undefined }, /there is no `judge`, which measures/);
  await refused({ validation: undefined }, /there is no `validation`, the scenes to measure on/);
  assert.deepEqual(await readdir(folder), []);
});

test('images that all lack a metric with a say end the run, with what was measured', async (t) => {
  const judge: TrainOptions['judge'] = async (scenes) =>
    scenes.map(() => ({ metrics: { dpg: 1 }, reward: null }));
  await assert.rejects(run(await temporaryFolder(t), SETTINGS, { judge }), {
    code: 'DIPTYCH_INVALID_INPUT',
    message: /none of 3 validation images has every metric that the reward weighs; measured are dpg/,
  });
});

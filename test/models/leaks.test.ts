/** Long work leaves no tensors behind, on each engine: steps, whole runs, sampling, inversion, scoring. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { disposeTrajectory, invert } from '../../src/diffusion/invert.ts';
import { seededNoise } from '../../src/diffusion/noise.ts';
import { guidedPredictor } from '../../src/diffusion/predictor.ts';
import { sample } from '../../src/diffusion/sample.ts';
import { parseSchedule } from '../../src/diffusion/schedule.ts';
import { type Engine, type EngineOptions, nativeProblem, openEngine } from '../../src/engine/engine.ts';
import { createFlatParameters } from '../../src/engine/flat-parameters.ts';
import { toHost } from '../../src/engine/weights.ts';
import { loadClipModel } from '../../src/models/folders/model-folder.ts';
import { textPrompt } from '../../src/models/inputs/prompt.ts';
import { disposeCondition, encodeEmpty, encodePrompts } from '../../src/models/inputs/text-condition.ts';
import { createRandom } from '../../src/random.ts';
import { clipScorer } from '../../src/scoring/clip-scorer.ts';
import { invertCandidates } from '../../src/training/pairs/invert-candidates.ts';
import { pairFactors } from '../../src/training/pairs/pair-factors.ts';
import { planRows } from '../../src/training/pairs/rows.ts';
import { preferenceStep } from '../../src/training/pairs/step.ts';
import { disposeRows, loadRows } from '../../src/training/pairs/step-rows.ts';
import { INVERSION_FORMS, OBJECTIVES, type TrainSettings } from '../../src/training/settings.ts';
import { trainPairs } from '../../src/training/train.ts';
import { temporaryFolder } from '../temporary.ts';
import {
  SIDE,
  TINY_TRAIN,
  tinyCandidates,
  tinyImage,
  tinyModel,
  tinyPairs,
  tinyRun,
} from '../training/tiny.ts';

const CLIP = path.resolve(import.meta.dirname, '../../models/sample/clip');
const problem = nativeProblem();
const needsNative = problem === null ? false : `native engine: ${problem}`;
// In this order: once WASM is open, it is what TensorFlow.js runs on in this process.
const ENGINES: { name: string; options: EngineOptions; skip: string | false }[] = [
  { name: 'native', options: { prefer: 'native' }, skip: needsNative },
  { name: 'native with plain kernels', options: { prefer: 'native', fast: false }, skip: needsNative },
  { name: 'WASM', options: { prefer: 'wasm' }, skip: false },
];

/** Fails unless a second run leaves as many tensors as it found; the first may fill caches of constants. */
async function assertNothingLeft({ tf }: Engine, what: string, work: () => unknown): Promise<void> {
  await work();
  const before = tf.memory().numTensors;
  await work();
  assert.equal(tf.memory().numTensors, before, what);
}

test('the count of tensors sees one that is left', async () => {
  const engine = await openEngine(ENGINES.find(({ skip }) => skip === false)!.options);
  const leak = () => engine.tf.keep(engine.tf.scalar(1));
  await assert.rejects(assertNothingLeft(engine, 'a leak', leak), { code: 'ERR_ASSERTION' });
});

for (const { name, options, skip } of ENGINES) {
  test(`${name}: a train step leaves no tensors, whatever the form`, { skip }, async (t) => {
    const engine = await openEngine(options);
    const model = await tinyModel(engine, await temporaryFolder(t));
    const schedule = parseSchedule(model.scheduler);
    const candidates = tinyCandidates(4);
    const index = new Map(candidates.map(({ id }, i) => [id, i]));
    const settings = { ...TINY_TRAIN, inversionSteps: 3 };
    const store = await invertCandidates({
      ...{ engine, model, settings, schedule, candidates, folder: await temporaryFolder(t) },
      onProgress() {},
    });
    const { specs, config, weights: reference } = model.unet;
    const policy = createFlatParameters(engine, specs, toHost(reference, specs));
    const empty = encodeEmpty(engine, model);
    const factors = pairFactors(settings, tinyPairs(2));
    for (const form of INVERSION_FORMS) {
      for (const guidance of form === 'shared-noise' ? [1, 2] : [1]) {
        const all = { ...settings, form, guidance };
        await assertNothingLeft(engine, `${form} at guidance ${guidance}`, async () => {
          const random = createRandom(1);
          const plans = [planRows(all, schedule, random), planRows(all, schedule, random)];
          const rows = await loadRows(engine, store, index, tinyPairs(2), plans);
          const condition = encodePrompts(engine, model, ['red circle', 'blue square'].map(textPrompt));
          const step = preferenceStep(engine, { config, policy, reference }, all);
          step([{ rows, condition, empty, factors }], 1e-4);
          disposeCondition(condition);
          disposeRows(rows);
        });
      }
    }
    policy.dispose();
    disposeCondition(empty);
    model.dispose();
  });

  test(`${name}: a whole run leaves no tensors, ended, stopped, resumed or failed`, { skip }, async (t) => {
    const engine = await openEngine(options);
    const model = await tinyModel(engine, await temporaryFolder(t));
    const kinds: Partial<TrainSettings>[] = [
      ...OBJECTIVES.map((objective) => ({ objective })),
      { lora: { rank: 2, convolutions: true } },
      { gradientCheckpointing: true },
      { optimizer: 'adafactor', ema: 0.9, accumulate: 2, freeze: ['conv_in.*'] },
      { lora: { rank: 2, convolutions: false }, ema: 0.9 },
    ];
    for (const kind of kinds) {
      const settings = { ...kind, inversionSteps: 3, checkpointEvery: 1, beta: 1 };
      await assertNothingLeft(engine, JSON.stringify(kind), async () => {
        const folder = await temporaryFolder(t);
        const run = tinyRun(engine, model, folder, settings);
        const stop = () => {
          throw new Error('stopped');
        };
        await assert.rejects(trainPairs({ ...run, onProgress: stop }), { message: 'stopped' });
        const stopAtStep = ({ phase }: { phase: string }) => phase === 'train' && stop();
        await assert.rejects(trainPairs({ ...run, onProgress: (p) => void stopAtStep(p) }), {
          message: 'stopped',
        });
        await trainPairs(run);
      });
    }
    await assertNothingLeft(engine, 'a failed run', async () => {
      const settings = { inversionSteps: 3, learningRate: 1e30, warmUp: 0, steps: 3 };
      const run = trainPairs(tinyRun(engine, model, await temporaryFolder(t), settings));
      await assert.rejects(run, { code: 'DIPTYCH_INVALID_INPUT', message: /^the loss is NaN at step 2/ });
    });
    model.dispose();
  });

  test(`${name}: sampling and inversion leave no tensors but what they return`, { skip }, async (t) => {
    const engine = await openEngine(options);
    const model = await tinyModel(engine, await temporaryFolder(t));
    const schedule = parseSchedule(model.scheduler);
    const { config, weights } = model.unet;
    for (const guidance of [1, 3]) {
      await assertNothingLeft(engine, `guidance ${guidance}`, () => {
        const prompt = encodePrompts(engine, model, ['red circle', 'blue square'].map(textPrompt));
        const empty = encodeEmpty(engine, model);
        const noise = seededNoise(engine.tf, [1, 2], [SIDE, SIDE, 3]);
        const predict = guidedPredictor(engine, config, weights, { prompt, empty }, guidance);
        const stop = () => {
          throw new Error('stopped');
        };
        assert.throws(() => sample(engine, schedule, predict, noise, 3, stop), { message: 'stopped' });
        const image = sample(engine, schedule, predict, noise, 3);
        const trajectory = invert(engine, schedule, predict, image, 3);
        disposeTrajectory(trajectory);
        for (const condition of [prompt, empty]) disposeCondition(condition);
        engine.tf.dispose([noise, image]);
      });
    }
    model.dispose();
  });

  test(`${name}: a model, once disposed, leaves no tensors`, { skip }, async (t) => {
    const engine = await openEngine(options);
    await assertNothingLeft(engine, 'diffusion', async () =>
      (await tinyModel(engine, await temporaryFolder(t))).dispose(),
    );
    await assertNothingLeft(engine, 'CLIP', async () => (await loadClipModel(engine, CLIP)).dispose());
  });

  test(`${name}: scoring with CLIP leaves no tensors`, { skip }, async () => {
    const engine = await openEngine(options);
    const model = await loadClipModel(engine, CLIP);
    const scorer = clipScorer(engine, 'clip', model);
    await assertNothingLeft(engine, 'two images', async () => {
      const scores = await scorer.score([tinyImage(0, 40), tinyImage(1, 40)], ['red circle', 'blue square']);
      assert.ok(scores.length === 2 && scores.every(({ cosine }) => Math.abs(cosine) <= 1));
    });
    model.dispose();
  });
}

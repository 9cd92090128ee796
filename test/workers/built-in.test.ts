/** What the numeric thread is asked for in a training that is measured, and what becomes of what it tells. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { withDefaults } from '../../pipelines/settings.ts';
import { ensureSet, listAnnotations, upsertAnnotations } from '../../src/store/annotations.ts';
import { insertCandidates, insertScores } from '../../src/store/candidates.ts';
import { places } from '../../src/store/places.ts';
import type { TrainProgress } from '../../src/training/train.ts';
import type { TrainArgument } from '../../workers/numeric/methods.ts';
import type { Tools } from '../../workers/process.ts';
import { pairsOfRun } from '../../workers/rewarded.ts';
import { builtInTrainer } from '../../workers/train/built-in.ts';
import { useDatabase } from '../database.ts';
import { scenes } from '../scenes.ts';
import { stepEntry } from '../training/step-entry.ts';
import { until } from '../wait.ts';

const { store } = await useDatabase();
const ANNOTATIONS = scenes(6);

/** A source run: three candidates for each annotation, the first the best; `scoring` and `clip` as they were then. */
const { id: setId } = await ensureSet(store, 'set');
await upsertAnnotations(store, setId, ANNOTATIONS);
const curated = withDefaults({ scoring: { mode: 'compat' } });
const { id: source } = await store.run.create({
  data: { kind: 'curate', settings: curated, setId, status: 'succeeded' },
});
const stored = await listAnnotations(store, setId, '', 99);
await store.$transaction((tx) =>
  insertCandidates(
    tx,
    stored.flatMap(({ id, imgId }) =>
      [0, 1, 2].map((slot) => ({
        ...{ runId: source, annotationId: id, variant: 'curated' as const, slot, seed: slot },
        ...{ requestHash: `${imgId}/${slot}`, sha256: `${imgId}/${slot}`, width: 8, height: 8 },
        generation: { model: 'any', modelHash: 'h', sampler: 'ddim', steps: 1, guidance: 1 },
      })),
    ),
  ),
);
const VALUES = [0.75, 0.5, 0.25];
await store.$transaction(async (tx) =>
  insertScores(
    tx,
    (await tx.candidate.findMany({ where: { runId: source } })).map(({ id, slot }) => ({
      ...{ candidateId: id, metric: 'dpg', mode: 'compat', version: '1', evidence: {}, value: VALUES[slot]! },
    })),
  ),
);

/** Trains as a run with these settings does, with another numeric thread; its argument, result and events. */
async function trained(train: object, tell: readonly TrainProgress[] = []) {
  const settings = withDefaults({
    ...{ seed: 5, train, scoring: { mode: 'fixed' }, sampling: { steps: 7, guidance: 2 } },
    reward: { policy: 'zmean', weights: { dpg: 1 } },
  });
  const run = await store.run.create({ data: { kind: 'train', settings, setId, status: 'running' } });
  let argument: TrainArgument | undefined;
  const shares: number[] = [];
  /** How many shares there were when the folder had changed. */
  const changes: number[] = [];
  const numeric = {
    async call(
      _method: 'train',
      given: TrainArgument,
      options: { onProgress(message: TrainProgress): void },
    ) {
      argument = given;
      for (const message of tell) {
        // The log has a line of progress every few seconds.
        mock.timers.tick(10_000);
        options.onProgress(message);
      }
      const grids = [0, 2].map((step) => ({ step, file: `/grid-${step}` }));
      return { model: '/m', telemetry: '/t', tensorboard: '/b', validation: { lines: '/v', grids } };
    },
  };
  mock.timers.enable({ apis: ['Date'], now: Date.now() });
  try {
    const tools = { store, numeric, places: places() } as unknown as Tools;
    const left = await builtInTrainer(tools)({
      ...{ runId: run.id, settings, source, votes: 0, model: '/model', folder: '/folder' },
      signal: new AbortController().signal,
      changed: () => changes.push(shares.length),
      progress: (share) => shares.push(share),
    });
    const { pairs } = await pairsOfRun(store, source, settings, 0);
    return { argument: argument!, left, shares, changes, pairs, runId: run.id };
  } finally {
    mock.timers.reset();
  }
}

test('measured annotations make no pair, and are judged by the scorers and on the scales of the candidates', async () => {
  const validation = { every: 2, annotations: 2 };
  const { argument, pairs } = await trained({ steps: 4, validation });
  const measured = argument.validation!.scenes.map(({ id }) => id);
  assert.deepEqual([measured.length, [...measured].sort()], [2, measured]);
  assert.deepEqual(
    argument.pairs,
    pairs.filter(({ annotationId }) => !measured.includes(annotationId)),
  );
  assert.equal(argument.pairs.length, 4 * 3);
  assert.deepEqual(argument.validation!.sampling, { steps: 7, guidance: 2 });
  assert.equal(
    argument.validation!.scenes[0]!.prompt.text,
    stored.find(({ imgId }) => imgId === measured[0])!.prompt,
  );
  const { mode, reward, scales, annotations } = argument.judge!;
  assert.equal(mode, 'compat');
  assert.deepEqual(reward, { policy: 'zmean', weights: { dpg: 1 } });
  // Of 0.75, 0.5 and 0.25.
  assert.ok(Math.abs(scales.dpg!.mean - 0.5) < 1e-12);
  assert.ok(Math.abs(scales.dpg!.deviation - Math.sqrt(1 / 24)) < 1e-12);
  assert.deepEqual(Object.keys(annotations), measured);
  assert.deepEqual(
    annotations[measured[0]!],
    ANNOTATIONS.find(({ img_id }) => img_id === measured[0]),
  );

  // Another run of other settings measures on the same; one that measures nothing trains on all.
  const again = await trained({ steps: 9, objective: 'diffusion-dpo', validation });
  assert.deepEqual(again.argument.validation!.scenes, argument.validation!.scenes);
  const plain = await trained({});
  assert.deepEqual(plain.argument.pairs, plain.pairs);
  assert.ok(!('judge' in plain.argument) && !('validation' in plain.argument));
  await assert.rejects(trained({ validation: { annotations: 6 } }), {
    message: /validation.annotations is 6, but 6 annotations are curated/,
  });
});

test('a measurement is an event and may be an alarm; later progress has its reward and the time of those to come', async () => {
  const step = (n: number): TrainProgress => ({
    ...{ phase: 'train', done: n, total: 4, alarms: [], checkpoint: n === 3 },
    telemetry: stepEntry({ step: n, seconds: 10 }),
  });
  const result = (n: number, reward: number, bestStep: number | null) => ({
    ...{ step: n, reward, seconds: 100, bestStep, alarms: [] },
  });
  const alarm = { step: 2, kind: 'reward-below-base' as const, message: 'below' };
  const { left, shares, changes, runId } = await trained(
    { steps: 4, validation: { every: 2, annotations: 2 } },
    [
      { phase: 'validate', done: 1, total: 2, result: null },
      { phase: 'validate', done: 2, total: 2, result: result(0, 0.5, null) },
      step(1),
      { phase: 'validate', done: 2, total: 2, result: { ...result(2, 0.25, 2), alarms: [alarm] } },
      step(3),
    ],
  );
  // Written beside the training, in no order.
  await until('all is in the log', async () => (await store.event.count({ where: { runId } })) === 6);
  const events = await store.event.findMany({ where: { runId } });
  const of = (type: string) =>
    events
      .filter((event) => event.type === type)
      .map(({ data }) => data as { step: number })
      .sort((a, b) => a.step - b.step);
  assert.deepEqual(of('train-validated'), [
    { step: 0, reward: 0.5, bestStep: null },
    { step: 2, reward: 0.25, bestStep: 2 },
  ]);
  assert.deepEqual(of('train-alarm'), [alarm]);
  // Four annotations of three candidates are left to train on.
  assert.deepEqual(of('train-inverted'), [{ images: 4 * 3, evaluations: 0 }]);
  const told = of('train-progress') as unknown as { validationReward: number; secondsLeft: number }[];
  assert.deepEqual(
    told.map(({ validationReward, secondsLeft }) => [validationReward, secondsLeft]),
    [
      // Three steps and the measurements after steps 2 and 4; then a step and one measurement.
      [0.5, 3 * 10 + 2 * 100],
      [0.25, 10 + 100],
    ],
  );
  // Measuring moves the bar neither on nor back.
  assert.deepEqual(shares, [0.25 + 0.75 / 4, 0.25 + (0.75 * 3) / 4]);
  // Two measurements, and the checkpoint of step 3, before its share.
  assert.deepEqual(changes, [0, 1, 1]);
  assert.deepEqual(left, {
    ...{ model: '/m', 'telemetry.jsonl': '/t', tensorboard: '/b', 'validation.jsonl': '/v' },
    ...{ 'validation/step-0.png': '/grid-0', 'validation/step-2.png': '/grid-2' },
  });
});

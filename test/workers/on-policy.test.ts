/** What the workers hand to the numeric thread where images are scored as they are drawn. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { planRun } from '../../pipelines/plan.ts';
import { type RunRequest, withDefaults } from '../../pipelines/settings.ts';
import type { GeneratePayload } from '../../pipelines/stages.ts';
import { createRun } from '../../src/jobs/runs.ts';
import { commitTask } from '../../src/jobs/tasks.ts';
import {
  ensureSet,
  listAnnotations,
  type StoredAnnotation,
  upsertAnnotations,
} from '../../src/store/annotations.ts';
import { folderArtifacts } from '../../src/store/artifact-files.ts';
import { folderBlobs } from '../../src/store/blobs.ts';
import { insertCandidates, insertScores, listScored } from '../../src/store/candidates.ts';
import { places } from '../../src/store/places.ts';
import { demonOf } from '../../workers/generate/demon.ts';
import { generateTask } from '../../workers/generate/generate.ts';
import type { NumericThread } from '../../workers/numeric/client.ts';
import type { GenerateArgument, TrainArgument } from '../../workers/numeric/methods.ts';
import { builtInTrainer } from '../../workers/train/built-in.ts';
import { useDatabase } from '../database.ts';
import { claim } from '../jobs/plans.ts';
import { scenes } from '../scenes.ts';
import { temporaryFolder } from '../temporary.ts';

const { store, boss } = await useDatabase();
const blobs = folderBlobs(await temporaryFolder({ after }));
const folder = await temporaryFolder({ after });
const set = await ensureSet(store, 'shapes');
await upsertAnnotations(store, set.id, scenes(3));
const annotations = await listAnnotations(store, set.id, '', 3);

/** A thread that notes what it was asked and answers with flat images. */
function noting() {
  const asked: { method: string; argument: unknown }[] = [];
  const numeric = {
    call(method: string, argument: unknown, options: { onProgress?(message: unknown): void } = {}) {
      asked.push({ method, argument });
      if (method === 'modelHash') return Promise.resolve('hash');
      if (method === 'generate') {
        const { requests } = argument as GenerateArgument;
        return Promise.resolve(
          requests.map(({ seed }) => ({ width: 1, height: 1, data: new Uint8Array(3).fill(seed) })),
        );
      }
      for (const done of [1, 2])
        options.onProgress?.({
          ...{ phase: 'train', done, total: 4, alarms: [] },
          telemetry: { step: done, loss: 0.1, reward: 0.5, seconds: 2 },
        });
      return Promise.resolve({ model: '/model', telemetry: '/t', tensorboard: '/b' });
    },
    close: async () => {},
  } as unknown as NumericThread;
  const argumentOf = <T>(method: string) =>
    asked.filter((one) => one.method === method).map(({ argument }) => argument as T);
  return { tools: { store, blobs, artifacts: folderArtifacts, numeric, places: places() }, argumentOf };
}

/** A run whose candidates, two of each annotation, all have the same scores: of no use to a pair. */
async function curatedRun(): Promise<string> {
  const settings = withDefaults({ scoring: { mode: 'compat' } });
  const { id: runId } = await store.run.create({
    data: { kind: 'curate', settings: settings as object, setId: set.id, status: 'succeeded' },
  });
  const rows = await Promise.all(
    annotations.flatMap(({ id }: Pick<StoredAnnotation, 'id'>) =>
      [0, 1].map(async (slot) => ({
        ...{ runId, annotationId: id, variant: 'curated' as const, slot, seed: slot },
        ...{
          requestHash: `${id}/${slot}`,
          sha256: await blobs.put(Buffer.from([slot])),
          width: 1,
          height: 1,
        },
        generation: { model: 'm', modelHash: 'h', sampler: 'ddim', steps: 1, guidance: 1 },
      })),
    ),
  );
  await store.$transaction((tx) => insertCandidates(tx, rows));
  const scores = (await store.candidate.findMany({ where: { runId } })).flatMap(({ id: candidateId }) =>
    ['dpg', 't2i-3in1'].map((metric) => ({
      ...{ candidateId, metric, mode: 'compat', version: '1', value: 0.5, evidence: {} },
    })),
  );
  await store.$transaction((tx) => insertScores(tx, scores));
  return runId;
}

test('an on-policy training gets the annotations of the candidates as scenes, a judge, and asks for no pairs', async () => {
  const source = await curatedRun();
  const { tools, argumentOf } = noting();
  const { id: runId } = await store.run.create({
    data: { kind: 'train', settings: {}, setId: set.id, status: 'running' },
  });
  const shares: number[] = [];
  const train = (objective: string) =>
    builtInTrainer(tools)({
      ...{ runId, source, votes: 0, model: '/model', folder },
      settings: withDefaults({ train: { objective, beta: 1 }, reward: { policy: 'zmean' } }),
      signal: new AbortController().signal,
      changed() {},
      progress: (share) => void shares.push(share),
    });
  const left = await train('ddpo');
  assert.equal(left.model, '/model');
  assert.deepEqual(shares, [0.25, 0.5]);
  const [asked] = argumentOf<TrainArgument>('train');
  assert.deepEqual(asked!.pairs, []);
  const ids = annotations.map(({ imgId }) => imgId).sort();
  assert.deepEqual(
    asked!.scenes!.map(({ id }) => id),
    ids,
  );
  assert.ok(asked!.scenes!.every(({ prompt }) => prompt.text.length > 0));
  const { judge } = asked!;
  assert.deepEqual(Object.keys(judge!.annotations).sort(), ids);
  // The scorers and scales of the run that scored the candidates.
  assert.deepEqual([judge!.mode, judge!.reward.policy], ['compat', 'zmean']);
  assert.deepEqual(judge!.scales, {
    dpg: { mean: 0.5, deviation: 1 },
    't2i-3in1': { mean: 0.5, deviation: 1 },
  });
  await train('sft');
  assert.equal(argumentOf<TrainArgument>('train')[1]!.scenes, undefined);
});

const DEMON = { noises: 2, weighting: 'boltzmann' } as const;

/** Draws one image of each annotation for both sides of an evaluation. */
async function evaluated(given: object) {
  const settings = withDefaults({ heldOutFraction: 1, ...given });
  const plan = await planRun(store, { kind: 'evaluate', annotationSet: 'shapes', settings });
  const runId = await createRun(store, boss, plan);
  const { tools, argumentOf } = noting();
  for (const seq of [0, 1]) {
    const task = await claim(store, runId, 0, seq);
    assert.equal((task.payload as GeneratePayload).variant, ['base', 'tuned'][seq]);
    const write = await generateTask(tools)({
      task,
      ...{ signal: new AbortController().signal, progress() {} },
    });
    await commitTask(store, boss, task, write);
  }
  return { runId, asked: argumentOf<GenerateArgument>('generate') };
}

const BOTH = { compare: { base: 'sample', tuned: 'sample' } };

test('an evaluation draws its tuned side with a demon that goes by the reward, with the seeds of the base', async () => {
  const { runId, asked } = await evaluated({ ...BOTH, evaluation: { demon: DEMON } });
  const [base, tuned] = asked as [GenerateArgument, GenerateArgument];
  assert.equal(base.demon, undefined);
  assert.deepEqual(tuned.requests, base.requests);
  const { settings, judge, scenes: of } = tuned.demon!;
  assert.deepEqual(settings, DEMON);
  assert.deepEqual(
    of,
    annotations.map(({ imgId }) => imgId),
  );
  assert.deepEqual(Object.keys(judge.annotations).sort(), [...of].sort());
  assert.deepEqual([judge.mode, judge.reward.policy, judge.folders.answerer], ['fixed', 'mean', null]);
  const samplers = async (variant: 'base' | 'tuned') =>
    (await listScored(store, runId, variant, { limit: 9 })).map(({ generation }) => generation.sampler);
  assert.deepEqual(
    [await samplers('base'), await samplers('tuned')],
    [Array(3).fill('ddim'), Array(3).fill('demon-boltzmann')],
  );
});

test('a demon’s z-scores are over what the model was trained on, also by a run that only trains', async () => {
  const source = await curatedRun();
  const settings = withDefaults({ reward: { policy: 'zmean' }, sourceRun: source });
  const { id: trained } = await store.run.create({
    data: { kind: 'train', settings: settings as object, setId: set.id, status: 'succeeded' },
  });
  for (const run of [trained, source]) {
    const { judge } = await demonOf({ store, places: places() }, settings, DEMON, run, []);
    assert.deepEqual(judge.scales.dpg, { mean: 0.5, deviation: 1 });
  }
});

test('a demon’s image is not drawn twice, unless something that decides it changed', async () => {
  const drawn = async (given: object) =>
    (await evaluated({ ...BOTH, ...given })).asked.reduce((sum, { requests }) => sum + requests.length, 0);
  const evaluation = { demon: { ...DEMON, noises: 3 } };
  assert.equal(await drawn({ evaluation }), 3, 'the base is there from the test before');
  assert.equal(await drawn({ evaluation }), 0);
  for (const other of [
    { evaluation: { demon: { ...evaluation.demon, noises: 5 } } },
    { evaluation: { demon: { ...evaluation.demon, temperature: 0.1 } } },
    { evaluation, reward: { weights: { dpg: 1 } } },
    { evaluation, scoring: { mode: 'compat' } },
  ])
    assert.equal(await drawn(other), 3, JSON.stringify(other));
});

test('what nobody could measure is refused when it is asked for', async () => {
  const plan = (kind: RunRequest['kind'], given: object) =>
    planRun(store, {
      kind,
      annotationSet: 'shapes',
      settings: withDefaults({ heldOutFraction: 1, ...given }),
    });
  const zmean = { ...BOTH, evaluation: { demon: DEMON }, reward: { policy: 'zmean' } };
  await assert.rejects(plan('evaluate', zmean), {
    code: 'DIPTYCH_INVALID_INPUT',
    message: /^settings\.evaluation\.demon follows the reward, and settings\.reward\.policy "zmean" needs/,
  });
  await assert.rejects(
    plan('train', { train: { objective: 'd3po', beta: 2000 }, sourceRun: await curatedRun() }),
    {
      code: 'DIPTYCH_INVALID_INPUT',
      message: /^train\.beta is 2000, but train\.objective is "d3po"/,
    },
  );
});

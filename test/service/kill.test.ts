/**
 * The real service with its real processes, killed again and again in the middle of a run, beside one that is left
 * alone: nothing is lost, nothing is done twice, and both export the same bytes.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { openClient } from '../../clients/typescript/client.ts';
import { query } from '../../src/store/client.ts';
import { readTelemetry } from '../../src/training/telemetry/telemetry.ts';
import { scenes } from '../scenes.ts';
import { until } from '../wait.ts';
import { type Home, SET, startHome } from './home.ts';

const ANNOTATIONS = scenes(12);
const SETTINGS = {
  candidates: 2,
  heldOutFraction: 0.2,
  sampling: { steps: 12 },
  pairs: { margin: 0 },
  train: { steps: 24, pairsPerStep: 1, inversionSteps: 2, checkpointEvery: 2, warmUp: 2 },
};

/** Seconds that a part of the run may take on a busy machine. */
const SLOW = 120;

type RunningHome = Home & { runId: string };

async function startRun(t: TestContext): Promise<RunningHome> {
  const home = await startHome(t, ANNOTATIONS);
  const request = { kind: 'curate-then-train' as const, annotationSet: SET, settings: SETTINGS };
  return { ...home, runId: (await openClient(home.service.url).createRun(request)).id };
}

/** Kills the running processes of this name. */
function kill({ log }: Home, name: string): void {
  const started = log.flatMap(
    (line) => new RegExp(`^${name}: started as process (\\d+)$`).exec(line)?.[1] ?? [],
  );
  const ended = log.filter((line) => line.startsWith(`${name}: ended`)).length;
  for (const pid of started.slice(ended)) process.kill(Number(pid), 'SIGKILL');
}

const telemetryOf = ({ home, runId }: RunningHome) =>
  Array.fromAsync(readTelemetry(path.join(home, 'runs', runId, 'train', 'telemetry.jsonl')));

/** What each attempt at the training that came to its steps had to invert. */
const inverted = async ({ store, runId }: RunningHome) =>
  (await store.event.findMany({ where: { runId, type: 'train-inverted' }, orderBy: { id: 'asc' } })).map(
    ({ data }) => data as { images: number; evaluations: number },
  );

async function finished(home: RunningHome): Promise<void> {
  await until(
    'the run has ended',
    async () => (await home.store.run.findUniqueOrThrow({ where: { id: home.runId } })).finishedAt,
    SLOW,
  );
  const { status, error } = await home.store.run.findUniqueOrThrow({ where: { id: home.runId } });
  assert.deepEqual([status, error], ['succeeded', null]);
}

/** Everything that a run leaves and that no clock and no random id may change. */
async function results({ store, runId }: RunningHome) {
  const ask = (sql: string) => query<Record<string, unknown>>(store, sql, runId);
  return {
    images: await ask(`SELECT a.img_id, c.variant, c.slot, c.seed, c.sha256, c.request_hash
      FROM candidate c JOIN annotation a ON a.id = c.annotation_id WHERE run_id = $1::uuid ORDER BY 1, 2, 3`),
    scores: await ask(`SELECT a.img_id, c.variant, c.slot, s.metric, s.mode, s.version, s.value, s.evidence
      FROM score s JOIN candidate c ON c.id = s.candidate_id JOIN annotation a ON a.id = c.annotation_id
      WHERE run_id = $1::uuid ORDER BY 1, 2, 3, 4, 5, 6`),
    stages: await ask(`SELECT name, status, total, done, failed FROM stage
      WHERE run_id = $1::uuid ORDER BY ordinal`),
    files: await ask(`SELECT name, bytes, sha256 FROM artifact
      WHERE run_id = $1::uuid AND (name LIKE '%.parquet' OR name = 'model') ORDER BY name`),
  };
}

test('killed workers and a killed API change nothing of what a run leaves', {
  timeout: 240_000,
}, async (t) => {
  const [calm, stormy] = await Promise.all([startRun(t), startRun(t)]);

  await until(
    'images are being made',
    () => stormy.store.task.findFirst({ where: { worker: 'generate', status: 'running' } }),
    SLOW,
  );
  kill(stormy, 'generate');
  kill(stormy, 'server');
  const half = await until(
    'the API answers again at its address',
    () =>
      openClient(stormy.service.url)
        .getRun(stormy.runId)
        .catch(() => null),
    SLOW,
  );
  assert.equal(half.status, 'running');

  await until('the training is on its way', async () => (await telemetryOf(stormy)).length >= 4, SLOW);
  kill(stormy, 'train');
  assert.ok((await telemetryOf(stormy)).length < SETTINGS.train.steps, 'too late: the training is over');
  await Promise.all([finished(calm), finished(stormy)]);

  const attempts = await query<{ worker: string; attempt: number }>(
    stormy.store,
    'SELECT worker, max(attempt) AS attempt FROM task WHERE run_id = $1::uuid GROUP BY worker ORDER BY worker',
    stormy.runId,
  );
  assert.deepEqual(attempts, [
    { worker: 'generate', attempt: 2 },
    { worker: 'score', attempt: 1 },
    { worker: 'train', attempt: 2 },
  ]);

  const [expected, got] = [await results(calm), await results(stormy)];
  const heldOut = expected.images.filter(({ variant }) => variant === 'base').length;
  assert.ok(heldOut > 0);
  assert.equal(expected.images.length, 2 * (ANNOTATIONS.length - heldOut) + 2 * heldOut);
  assert.ok(expected.scores.length > 4 * expected.images.length);
  assert.ok(!calm.log.some((line) => line.includes('ended')), 'the other service was disturbed');
  assert.ok(expected.stages.every(({ done, total, failed }) => done === total && failed === 0));
  assert.ok(expected.files.length >= 4);
  for (const part of ['images', 'scores', 'stages', 'files'] as const) {
    assert.deepEqual(got[part], expected[part], part);
  }
  const steps = await telemetryOf(stormy);
  assert.deepEqual(
    steps.map(({ step }) => step),
    Array.from({ length: SETTINGS.train.steps }, (_, i) => i + 1),
  );
  const timeless = async (home: RunningHome) =>
    (await telemetryOf(home)).map(({ at: _, seconds: __, tensors: ___, ...entry }) => entry);
  assert.deepEqual(await timeless(stormy), await timeless(calm));

  // Each image was inverted once, whoever was killed, and the report says what that came to.
  const [one, two] = [await inverted(calm), await inverted(stormy)];
  const { images } = one[0]!;
  assert.ok(images > 2);
  assert.deepEqual(one, [{ images, evaluations: images * SETTINGS.train.inversionSteps }]);
  assert.deepEqual(two, [...one, { images, evaluations: 0 }]);
  const report = path.join(calm.home, 'runs', calm.runId);
  const summary = JSON.parse(await readFile(path.join(report, 'summary.json'), 'utf8'));
  const inversion = (images * SETTINGS.train.inversionSteps) / SETTINGS.train.steps;
  assert.deepEqual(summary.evaluationsPerPairAndStep, {
    ...{ policy: 2, reference: 2, inversion },
    released: { policy: 160, reference: 160 },
  });
  assert.match(
    await readFile(path.join(report, 'report.html'), 'utf8'),
    /2 of the policy, 2 of the reference/,
  );

  // Another run on the same images finds the inversions.
  assert.ok(!existsSync(path.join(report, 'train', 'trajectories')));
  const settings = { ...SETTINGS, sourceRun: calm.runId, train: { ...SETTINGS.train, steps: 2 } };
  const request = { kind: 'train', annotationSet: SET, settings } as const;
  const again = { ...calm, runId: (await openClient(calm.service.url).createRun(request)).id };
  await finished(again);
  assert.deepEqual(await inverted(again), [{ images, evaluations: 0 }]);
});

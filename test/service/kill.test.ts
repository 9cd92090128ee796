/**
 * The real service with its real processes, killed again and again in the middle of a run, beside one that is left
 * alone: nothing is lost, nothing is done twice, and both export the same bytes.
 */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { openClient } from '../../src/cli/client.ts';
import { type Service, startService } from '../../src/cli/service.ts';
import { openStore, query, type Store } from '../../src/store/client.ts';
import { startEmbeddedPostgres } from '../../src/store/postgres.ts';
import { readTelemetry } from '../../src/training/telemetry.ts';
import { reachableFolder } from '../database.ts';
import { scenes } from '../scenes.ts';
import { until } from '../wait.ts';

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

interface Home {
  home: string;
  service: Service;
  store: Store;
  log: string[];
  runId: string;
}

/** A service on a folder of its own, with the annotations in it and the run asked for. */
async function startHome(t: TestContext): Promise<Home> {
  const home = await reachableFolder();
  const log: string[] = [];
  const starting = startService({ home, log: (line) => log.push(line) });
  const made = [home];
  let store: Store | undefined;
  t.after(async () => {
    try {
      await store?.$disconnect();
      await (await starting).stop();
    } finally {
      for (const folder of made) await rm(folder, { recursive: true, force: true });
    }
  });
  const service = await starting;
  // The server runs already: this only tells where.
  const { url, folder } = await startEmbeddedPostgres(home);
  made.push(folder);
  store = openStore(url);
  const answer = await fetch(`${service.url}/v1/annotation-sets/shapes/annotations`, {
    method: 'POST',
    body: JSON.stringify(ANNOTATIONS),
  });
  assert.equal(((await answer.json()) as { inserted: number }).inserted, ANNOTATIONS.length);
  const run = await openClient(service.url).createRun({
    kind: 'curate-then-train',
    annotationSet: 'shapes',
    settings: SETTINGS,
  });
  return { home, service, store, log, runId: run.id };
}

/** Kills the running processes of this name. */
function kill({ log }: Home, name: string): void {
  const started = log.flatMap(
    (line) => new RegExp(`^${name}: started as process (\\d+)$`).exec(line)?.[1] ?? [],
  );
  const ended = log.filter((line) => line.startsWith(`${name}: ended`)).length;
  for (const pid of started.slice(ended)) process.kill(Number(pid), 'SIGKILL');
}

const telemetryOf = ({ home, runId }: Home) =>
  readTelemetry(path.join(home, 'runs', runId, 'train', 'telemetry.jsonl'));

async function finished(home: Home): Promise<void> {
  await until(
    'the run has ended',
    async () => (await home.store.run.findUniqueOrThrow({ where: { id: home.runId } })).finishedAt,
    SLOW,
  );
  const { status, error } = await home.store.run.findUniqueOrThrow({ where: { id: home.runId } });
  assert.deepEqual([status, error], ['succeeded', null]);
}

/** Everything that a run leaves and that no clock and no random id may change. */
async function results({ store, runId }: Home) {
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
  const [calm, stormy] = await Promise.all([startHome(t), startHome(t)]);

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

  await until('the training is on its way', () => telemetryOf(stormy).length >= 4, SLOW);
  kill(stormy, 'train');
  assert.ok(telemetryOf(stormy).length < SETTINGS.train.steps, 'too late: the training is over');
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
  const steps = telemetryOf(stormy);
  assert.deepEqual(
    steps.map(({ step }) => step),
    Array.from({ length: SETTINGS.train.steps }, (_, i) => i + 1),
  );
  const timeless = (home: Home) => telemetryOf(home).map(({ seconds: _, ...entry }) => entry);
  assert.deepEqual(timeless(stormy), timeless(calm));
});

/**
 * Several workers beside one, in tasks a second. First with the sample model, each worker on a core of its own, one thread
 * each: two workers beside the mean of one worker before and after them. Then with a server that answers after a fixed time,
 * so that cores don't run out: 2, 4 and 8 workers. ratio = tasks a second / (workers x those of one); 1 is linear.
 */
import type { ChildProcess } from 'node:child_process';
import { withDefaults } from '../pipelines/settings.ts';
import type { GeneratePayload } from '../pipelines/stages.ts';
import { openQueue } from '../src/jobs/queue.ts';
import { createRun, type StagePlan } from '../src/jobs/runs.ts';
import { annotationKeys, ensureSet, upsertAnnotations } from '../src/store/annotations.ts';
import { openStore } from '../src/store/client.ts';
import { recordLine } from './ingest/records.ts';
import type { BenchResult } from './run.ts';
import { SIDE, startSlowServer } from './scaling/slow-server.ts';
import { type BenchDatabase, ended, firstMessage, withDatabase } from './service/database.ts';

/** Of one worker, in one measurement. */
const TASKS = 8;
const IMAGES = 4;
const ANSWER_MS = 2000;
const WORKERS = [1, 2, 4, 8];
const POLL_MS = 50;

export async function run(): Promise<BenchResult[]> {
  return withDatabase(async (database) => {
    const plan = await openPlans(database);
    const server = await startSlowServer(ANSWER_MS);
    try {
      return [...(await onCores(database, plan)), ...(await onServer(database, plan, server.url))];
    } finally {
      server.stop();
      await plan.close();
    }
  });
}

/** One worker, two, and one again, on the first two cores. */
async function onCores(database: BenchDatabase, { rate }: Plans): Promise<BenchResult[]> {
  const first = await startWorker(database, ['taskset', '-c', '0']);
  // Its model is loaded before anything counts.
  await rate(1, {});
  const before = await rate(TASKS, {});
  const second = await startWorker(database, ['taskset', '-c', '1']);
  await rate(4, {});
  const both = await rate(2 * TASKS, {});
  await ended(second);
  const one = (before + (await rate(TASKS, {}))) / 2;
  await ended(first);
  return [result('scaling-cores', 2, both, one)];
}

async function onServer(database: BenchDatabase, { rate }: Plans, url: string): Promise<BenchResult[]> {
  const generator = { api: 'automatic1111', url, width: SIDE, height: SIDE, concurrency: IMAGES };
  const started: ChildProcess[] = [];
  const results: BenchResult[] = [];
  let one = 0;
  for (const workers of WORKERS) {
    const missing = Array.from({ length: workers - started.length }, () => startWorker(database));
    started.push(...(await Promise.all(missing)));
    const measured = await rate(workers * TASKS, { generator });
    if (workers === 1) one = measured;
    else results.push(result('scaling-server', workers, measured, one));
  }
  return results;
}

function result(bench: string, workers: number, value: number, one: number): BenchResult {
  const peerValue = workers * one;
  const unit = `tasks/s of ${workers} workers`;
  return { bench, value, unit, peer: `${workers} times one`, peerValue, ratio: value / peerValue };
}

async function startWorker(database: BenchDatabase, before: readonly string[] = []): Promise<ChildProcess> {
  const child = database.start('bench/scaling/worker.ts', { before });
  await firstMessage(child);
  return child;
}

interface Plans {
  /** Tasks a second of a stage of so many tasks, from its start to its end. */
  rate(tasks: number, settings: Record<string, unknown>): Promise<number>;
  close(): Promise<void>;
}

async function openPlans({ url, client }: BenchDatabase): Promise<Plans> {
  const store = openStore(url);
  const boss = await openQueue(url, true);
  const { id: setId } = await ensureSet(store, 'bench');
  const most = Math.max(...WORKERS) * TASKS;
  await upsertAnnotations(
    store,
    setId,
    Array.from({ length: most }, (_, n) => JSON.parse(recordLine(n))),
  );
  const ids = (await Array.fromAsync(annotationKeys(store, setId))).map(({ id }) => id);
  let seed = 0;
  return {
    async rate(tasks, given) {
      // Other images each time: what was made before would be taken from there.
      const settings = withDefaults({ ...given, seed: ++seed });
      const stage: StagePlan = {
        name: 'generate',
        worker: 'generate',
        kind: 'generate',
        secondsPerUnit: 1,
        tasks: ids.slice(0, tasks).map((id) => {
          const payload: GeneratePayload = { variant: 'curated', annotationIds: [id], samples: IMAGES };
          return { units: IMAGES, payload: { ...payload } };
        }),
      };
      const run = await createRun(store, boss, { kind: 'curate', setId, settings, stages: [stage] });
      for (;;) {
        const {
          rows: [row],
        } = await client.query(
          `SELECT r.status, r.error, extract(epoch FROM s.finished_at - s.started_at)::float8 AS seconds
           FROM run r JOIN stage s ON s.run_id = r.id WHERE r.id = $1`,
          [run],
        );
        if (row.status === 'succeeded') return tasks / row.seconds;
        if (row.status === 'failed') throw new Error(`the run failed: ${row.error}`);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
    async close() {
      await boss.stop({ graceful: false });
      await store.$disconnect();
    },
  };
}

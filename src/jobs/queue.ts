/**
 * The queue: pg-boss in the store's own database, so that a job and the rows it speaks of are written in one
 * transaction. Jobs carry a task's id and nothing else. pg-boss tells who works and who has died; the task
 * table is the truth about what is done.
 */
import { fromPrisma, PgBoss, systemClock } from 'pg-boss';
import { log } from '../log.ts';
import type { Transaction } from '../store/client.ts';

export const WORKERS = ['generate', 'score', 'train'] as const;
export type WorkerName = (typeof WORKERS)[number];

/** Where jobs go whose workers died too often. */
export const DEAD_LETTERS = 'dead';

/** A worker that has not been heard of for so long is dead (pg-boss allows no less). */
const HEARTBEAT_SECONDS = 10;
/** Further tries after the first one. */
export const RETRY_LIMIT = 4;
/** Seconds; the longest that a job waits for its next try. */
export const RETRY_DELAY_MAX = 30;

/** pg-boss measures its pauses with it: after a machine's clock was set back they would last until it is there again. */
const STEADY_CLOCK = { ...systemClock, now: () => performance.timeOrigin + performance.now() };

export interface TaskJob {
  taskId: string;
}

/**
 * Opens the queue. One process of a service supervises: it notices dead workers. `retryDelay` in seconds is
 * for tests.
 */
export async function openQueue(url: string, supervise: boolean): Promise<PgBoss> {
  const boss = new PgBoss({
    connectionString: url,
    max: 4,
    schedule: false,
    clock: STEADY_CLOCK,
    supervise,
    superviseIntervalSeconds: 1,
    monitorIntervalSeconds: 1,
  });
  boss.on('error', (error) => log.error({ err: error }, 'queue'));
  await boss.start();
  await boss.createQueue(DEAD_LETTERS);
  for (const name of WORKERS) {
    await boss.createQueue(name, {
      heartbeatSeconds: HEARTBEAT_SECONDS,
      expireInSeconds: 23 * 3600,
      retryLimit: RETRY_LIMIT,
      retryDelay: 1,
      retryBackoff: true,
      retryDelayMax: RETRY_DELAY_MAX,
      deleteAfterSeconds: 3600,
      deadLetter: DEAD_LETTERS,
    });
  }
  return boss;
}

/** Jobs for tasks, written with the caller's transaction. */
export async function enqueue(
  boss: PgBoss,
  tx: Transaction,
  tasks: readonly { id: string; worker: string }[],
): Promise<void> {
  for (const name of WORKERS) {
    const jobs = tasks.filter(({ worker }) => worker === name).map(({ id }) => ({ data: { taskId: id } }));
    if (jobs.length > 0) await boss.insert(name, jobs, { db: fromPrisma(tx) });
  }
}

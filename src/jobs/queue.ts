/**
 * The queue: pg-boss in the store's own database, so that a job and the rows it speaks of are written in one
 * transaction. Jobs carry a task's id and nothing else. pg-boss tells who works, who has died and whose turn it is
 * (`nextPlace`); the task table is the truth about what is done.
 */
import os from 'node:os';
import { fromPrisma, PgBoss, systemClock } from 'pg-boss';
import { log } from '../log.ts';
import { query, type Transaction } from '../store/client.ts';

export const WORKERS = ['generate', 'score', 'train'] as const;
export type WorkerName = (typeof WORKERS)[number];

export const PRIORITIES = ['low', 'normal', 'high'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Where jobs go whose workers died too often. */
export const DEAD_LETTERS = 'dead';

/** A worker that has not been heard of for so long is dead (pg-boss allows no less). */
const HEARTBEAT_SECONDS = 10;
/** Further tries after the first one. */
export const RETRY_LIMIT = 4;
/** Seconds; the longest that a job waits for its next try. */
export const RETRY_DELAY_MAX = 30;

const QUEUE = {
  heartbeatSeconds: HEARTBEAT_SECONDS,
  expireInSeconds: 23 * 3600,
  retryLimit: RETRY_LIMIT,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: RETRY_DELAY_MAX,
  deleteAfterSeconds: 3600,
  deadLetter: DEAD_LETTERS,
  // Idle workers hear of new jobs at once (LISTEN); asking every POLL_SECONDS finds those that wait for another try.
  notify: true,
};

/** This process, as tasks and pg-boss name it. */
export const PROCESS = `${os.hostname()}/${process.pid}`;
/** How often an idle worker asks for a job; pg-boss allows no less. */
export const POLL_SECONDS = 0.5;
/** How often a process says that it is there. */
const SEEN_SECONDS = 5;

/** pg-boss measures its pauses with it: after a machine's clock was set back they would last until it is there again. */
const STEADY_CLOCK = { ...systemClock, now: () => performance.timeOrigin + performance.now() };

export interface TaskJob {
  taskId: string;
}

/**
 * Opens the queue. One process of a service supervises: it notices dead workers. `worker`: what this process is, where
 * it is one.
 */
export async function openQueue(url: string, supervise: boolean, worker?: WorkerName): Promise<PgBoss> {
  const boss = new PgBoss({
    connectionString: url,
    max: 4,
    schedule: false,
    clock: STEADY_CLOCK,
    supervise,
    superviseIntervalSeconds: 1,
    monitorIntervalSeconds: 1,
    instanceName: worker,
    instanceHeartbeatSeconds: SEEN_SECONDS,
    useListenNotify: worker !== undefined,
  });
  boss.on('error', (error) => log.error({ err: error }, 'queue'));
  await boss.start();
  await boss.createQueue(DEAD_LETTERS);
  for (const name of WORKERS) {
    await boss.createQueue(name, QUEUE);
    // One that an earlier release made has that release's settings.
    await boss.updateQueue(name, QUEUE);
  }
  return boss;
}

/** Jobs for tasks of one run, written with the caller's transaction, the first of them in the next round. */
export async function enqueue(
  boss: PgBoss,
  tx: Transaction,
  runId: string,
  tasks: readonly { id: string; worker: string }[],
): Promise<void> {
  for (const name of WORKERS) {
    const ids = tasks.filter(({ worker }) => worker === name).map(({ id }) => id);
    if (ids.length === 0) continue;
    const first = await nextPlace(tx, runId, name);
    const jobs = ids.map((taskId, i) => ({
      ...{ data: { taskId }, priority: first - i },
      group: { id: runId },
    }));
    await boss.insert(name, jobs, { db: fromPrisma(tx) });
  }
}

/**
 * Places. pg-boss hands out the waiting job of the highest number. Each priority has a span of numbers of its own, and
 * within it a number is a round: tasks of a run stand in rounds that follow each other, the first one in the round
 * behind the one that is being handed out. So runs of one priority take turns, however many tasks each has and
 * whenever it came, and nobody can push in front of a round.
 */
const SPAN = 2 ** 30;
/** The highest number of a priority: 2^30, 0 and -2^30, so that all fit into 32 bits. */
const TOP = `${SPAN} * CASE r.priority WHEN 'high' THEN 1 WHEN 'normal' THEN 0 ELSE -1 END`;

async function nextPlace(tx: Transaction, runId: string, worker: WorkerName): Promise<number> {
  const [{ place }] = (await query<{ place: number }>(
    tx,
    // Jobs that wait for another try are not asked: theirs is a round that has gone by.
    `SELECT coalesce((SELECT max(j.priority) FROM pgboss.job j
       WHERE j.name = $2 AND j.state = 'created' AND NOT j.blocked
         AND j.priority BETWEEN ${TOP} - ${SPAN - 1} AND ${TOP}) - 1, ${TOP}) AS place
     FROM run r WHERE r.id = $1::uuid`,
    runId,
    worker,
  )) as [{ place: number }];
  return place;
}

/** Puts waiting jobs of a run where those of the priority that it has now belong; it had another one. */
export async function moveJobs(tx: Transaction, runId: string): Promise<void> {
  for (const name of WORKERS) {
    const first = await nextPlace(tx, runId, name);
    await query(
      tx,
      `UPDATE pgboss.job j SET priority = $3 - o.nth FROM (
         SELECT id, (row_number() OVER (ORDER BY priority DESC, created_on, id))::int - 1 AS nth FROM pgboss.job
         WHERE name = $2 AND group_id = $1 AND state IN ('created', 'retry')) o
       WHERE j.name = $2 AND j.id = o.id AND j.state IN ('created', 'retry') RETURNING j.id`,
      runId,
      name,
      first,
    );
  }
}

/** Removes the jobs of a run that wait for their first try; those that were tried find nothing to do. */
export async function withdrawJobs(tx: Transaction, runId: string): Promise<void> {
  await query(
    tx,
    `DELETE FROM pgboss.job WHERE name = ANY($2) AND group_id = $1 AND state = 'created' RETURNING id`,
    runId,
    [...WORKERS],
  );
}

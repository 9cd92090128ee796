/**
 * The life of a task. Every change is one conditional statement: only the newest attempt of a running task may
 * report, commit or fail; anyone else learns that it is stale.
 */
import type { PgBoss } from 'pg-boss';
import { fromPrisma } from 'pg-boss';
import { DiptychError } from '../errors.ts';
import { withoutSecrets } from '../secrets.ts';
import { query, type Store, type Transaction } from '../store/client.ts';
import { appendEvent } from './events.ts';
import { enqueue, PROCESS } from './queue.ts';

/** A task in one worker's hands. */
export interface ClaimedTask {
  id: string;
  runId: string;
  ordinal: number;
  seq: number;
  worker: string;
  kind: string;
  payload: unknown;
  units: number;
  attempt: number;
}

/** Transactions that may write many rows: an import of a million is one commit. */
const COMMIT = { timeout: 3_600_000, maxWait: 30_000 };

/**
 * Takes a task under a new attempt number, which makes every earlier attempt stale. Null when there is nothing
 * to do: it is finished, or its run was cancelled. That of a paused run waits from now on until it is resumed.
 */
export async function claimTask(store: Store, id: string): Promise<ClaimedTask | null> {
  const [task] = await query<ClaimedTask & { paused: boolean }>(
    store,
    `UPDATE task t SET status = CASE r.status WHEN 'paused' THEN 'waiting' ELSE 'running' END::task_status,
       attempt = attempt + 1, progress = 0, error = NULL, held_by = $2
     FROM run r WHERE t.id = $1::uuid AND t.status IN ('queued', 'running') AND r.id = t.run_id
     RETURNING t.id, t.run_id AS "runId", t.ordinal, t.seq, t.worker, t.kind, t.payload, t.units, t.attempt,
       r.status = 'paused' AS paused`,
    id,
    PROCESS,
  );
  if (!task) return null;
  const { paused, ...claimed } = task;
  return paused ? null : claimed;
}

/** Whether an attempt may go on. `lost`: it is stale or cancelled; `paused`: it is to be handed back. */
export type Hold = 'held' | 'paused' | 'lost';

/** Notes the finished share, 0 to 1. */
export async function reportProgress(store: Store, task: ClaimedTask, fraction: number): Promise<Hold> {
  const [row] = await query<{ hold: Hold }>(
    store,
    `UPDATE task t SET progress = $3 FROM run r
     WHERE t.id = $1::uuid AND t.attempt = $2 AND t.status = 'running' AND r.id = t.run_id
     RETURNING CASE r.status WHEN 'paused' THEN 'paused' ELSE 'held' END AS hold`,
    task.id,
    task.attempt,
    fraction,
  );
  return row?.hold ?? 'lost';
}

/**
 * Finishes a task: its results (`write`), its state, the stage's counters and what follows from them, all or
 * nothing. Throws DIPTYCH_STALE_ATTEMPT, with nothing written, when the attempt is not the newest one.
 */
export async function commitTask(
  store: Store,
  boss: PgBoss,
  task: ClaimedTask,
  write: (tx: Transaction) => Promise<void>,
): Promise<void> {
  await store.$transaction(async (tx) => {
    await leaveRunning(tx, task, 'succeeded', null);
    await write(tx);
    await countDone(tx, boss, task);
  }, COMMIT);
}

/** Counts a task that has ended as done, with what follows from it. What failed alone is counted before. */
export async function countDone(tx: Transaction, boss: PgBoss, task: ClaimedTask): Promise<void> {
  const [stage] = await query<{ name: string; state: string; dropped: number; seconds: number }>(
    tx,
    `UPDATE stage SET done = done + $3,
         status = CASE WHEN done + $3 < total THEN status WHEN dropped < total THEN 'succeeded'::task_status
                  ELSE 'failed' END,
         finished_at = CASE WHEN done + $3 = total THEN now() END
       WHERE run_id = $1::uuid AND ordinal = $2
       RETURNING name, status::text AS state, dropped, extract(epoch FROM now() - started_at)::float8 AS seconds`,
    task.runId,
    task.ordinal,
    task.units,
  );
  const { name, state, dropped, seconds } = stage!;
  if (state === 'succeeded') {
    await appendEvent(tx, task.runId, 'stage-succeeded', { stage: name, seconds, dropped });
    await startStage(tx, boss, task.runId, task.ordinal + 1);
  } else if (state === 'failed') await failBarrenRun(tx, task, name, dropped);
  else await failRunIfSettled(tx, task);
}

/** Gives a task up for good: it becomes a dead letter. Stale attempts change nothing. */
export async function failTask(store: Store, task: ClaimedTask, error: string): Promise<void> {
  await store.$transaction(async (tx) => {
    await leaveRunning(tx, task, 'failed', withoutSecrets(error));
    await query(
      tx,
      'UPDATE stage SET failed = failed + $3 WHERE run_id = $1::uuid AND ordinal = $2 RETURNING name',
      task.runId,
      task.ordinal,
      task.units,
    );
    const stage = await stageName(tx, task);
    await appendEvent(tx, task.runId, 'task-failed', { stage, attempt: task.attempt, error });
    await failRunIfSettled(tx, task);
  });
}

/** Writes something of a task that goes on. Throws DIPTYCH_STALE_ATTEMPT, with nothing written, for a stale attempt. */
export async function writeWhileHeld(
  store: Store,
  task: ClaimedTask,
  write: (tx: Transaction) => Promise<void>,
): Promise<void> {
  await store.$transaction(async (tx) => {
    await lockRun(tx, task.runId);
    const held = await query(
      tx,
      `SELECT id FROM task WHERE id = $1::uuid AND attempt = $2 AND status = 'running'`,
      task.id,
      task.attempt,
    );
    if (held.length === 0) throw staleAttempt(task);
    await write(tx);
  }, COMMIT);
}

/** Puts a running task back: the process is asked to stop, or the run is paused, and then it waits for the resume. */
export async function releaseTask(
  store: Store,
  boss: PgBoss,
  task: ClaimedTask,
  jobId: string,
): Promise<void> {
  await store.$transaction(async (tx) => {
    await leaveRunning(tx, task, 'waiting', null);
    await boss.complete(task.worker, jobId, null, { db: fromPrisma(tx) });
    await queueWaiting(tx, boss, task.runId, task.ordinal);
  });
}

/** The fence: throws DIPTYCH_STALE_ATTEMPT unless this attempt holds the task. */
export async function leaveRunning(
  tx: Transaction,
  task: ClaimedTask,
  status: 'succeeded' | 'failed' | 'waiting',
  error: string | null,
): Promise<void> {
  await lockRun(tx, task.runId);
  const rows = await query(
    tx,
    `UPDATE task SET status = $3::task_status, error = $4, progress = 0,
       given_up_at = CASE $3::task_status WHEN 'failed' THEN now() END
     WHERE id = $1::uuid AND attempt = $2 AND status = 'running' RETURNING id`,
    task.id,
    task.attempt,
    status,
    error,
  );
  if (rows.length === 0) throw staleAttempt(task);
}

/** One transaction at a time changes a run, a cancellation included: they all lock the run's row first. */
export const lockRun = (tx: Transaction, runId: string) =>
  query(tx, 'SELECT id FROM run WHERE id = $1::uuid FOR NO KEY UPDATE', runId);

const staleAttempt = ({ id, attempt }: ClaimedTask) =>
  new DiptychError(
    'DIPTYCH_STALE_ATTEMPT',
    `attempt ${attempt} of task ${id} is no longer the current one; its result is dropped`,
  );

/** A stage whose tasks have all ended, some of them badly, ends its run. */
async function failRunIfSettled(tx: Transaction, task: ClaimedTask): Promise<void> {
  const [stage] = await query<{ name: string; failed: number }>(
    tx,
    `UPDATE stage SET status = 'failed'
     WHERE run_id = $1::uuid AND ordinal = $2 AND failed > 0 AND done + failed = total RETURNING name, failed`,
    task.runId,
    task.ordinal,
  );
  if (!stage) return;
  const [{ error } = { error: 'unknown' }] = await query<{ error: string }>(
    tx,
    // Those of single items count as done: the stage goes on without them.
    `SELECT error FROM task t WHERE run_id = $1::uuid AND ordinal = $2 AND status = 'failed'
       AND NOT EXISTS (SELECT FROM item_failure f WHERE f.task_id = t.id) ORDER BY seq LIMIT 1`,
    task.runId,
    task.ordinal,
  );
  await failRun(tx, task.runId, `stage "${stage.name}": ${error}`);
}

/** A stage that was left without a single good item has nothing to hand on. */
async function failBarrenRun(
  tx: Transaction,
  task: ClaimedTask,
  stage: string,
  dropped: number,
): Promise<void> {
  const [first] = await query<{ reason: string }>(
    tx,
    `SELECT f.reason FROM item_failure f JOIN task t ON t.id = f.task_id
     WHERE t.run_id = $1::uuid AND t.ordinal = $2 ORDER BY f.id LIMIT 1`,
    task.runId,
    task.ordinal,
  );
  await failRun(
    tx,
    task.runId,
    `stage "${stage}": all ${dropped} candidates failed; the first: ${first!.reason}`,
  );
}

async function failRun(tx: Transaction, runId: string, error: string): Promise<void> {
  await query(
    tx,
    `UPDATE run SET status = 'failed', error = $2, finished_at = now() WHERE id = $1::uuid RETURNING id`,
    runId,
    error,
  );
  await appendEvent(tx, runId, 'run-failed', { error });
}

/** Starts a stage, or ends the run when there is none of that ordinal. */
export async function startStage(
  tx: Transaction,
  boss: PgBoss,
  runId: string,
  ordinal: number,
): Promise<void> {
  const [stage] = await query<{ name: string; total: number }>(
    tx,
    `UPDATE stage SET status = 'running', started_at = now()
     WHERE run_id = $1::uuid AND ordinal = $2 RETURNING name, total`,
    runId,
    ordinal,
  );
  if (!stage) {
    await query(
      tx,
      `UPDATE run SET status = 'succeeded', finished_at = now() WHERE id = $1::uuid RETURNING id`,
      runId,
    );
    return appendEvent(tx, runId, 'run-succeeded', {});
  }
  // A paused one stays so: the commit of a task that was under way brought it here.
  await query(
    tx,
    `UPDATE run SET status = 'running' WHERE id = $1::uuid AND status = 'queued' RETURNING id`,
    runId,
  );
  const [{ tasks }] = (await query<{ tasks: number }>(
    tx,
    'SELECT count(*)::int AS tasks FROM task WHERE run_id = $1::uuid AND ordinal = $2',
    runId,
    ordinal,
  )) as [{ tasks: number }];
  await appendEvent(tx, runId, 'stage-started', { stage: stage.name, tasks });
  await queueWaiting(tx, boss, runId, ordinal);
}

/** Queues the tasks of a stage that wait, unless the run is paused; returns how many. */
export async function queueWaiting(
  tx: Transaction,
  boss: PgBoss,
  runId: string,
  ordinal: number,
): Promise<number> {
  const tasks = await query<{ id: string; worker: string; seq: number }>(
    tx,
    `UPDATE task t SET status = 'queued' FROM run r
     WHERE t.run_id = $1::uuid AND t.ordinal = $2 AND t.status = 'waiting' AND r.id = t.run_id AND r.status <> 'paused'
     RETURNING t.id, t.worker, t.seq`,
    runId,
    ordinal,
  );
  await enqueue(
    boss,
    tx,
    runId,
    tasks.sort((a, b) => a.seq - b.seq),
  );
  return tasks.length;
}

export async function stageName(
  tx: Store | Transaction,
  { runId, ordinal }: Pick<ClaimedTask, 'runId' | 'ordinal'>,
): Promise<string> {
  const stage = await tx.stage.findUniqueOrThrow({ where: { runId_ordinal: { runId, ordinal } } });
  return stage.name;
}

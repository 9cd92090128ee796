/**
 * Dead letters: tasks that were tried again and again in vain, each with its reason. One that an item may be the cause of
 * is divided first, so that all its items but that one go on; that one fails alone, and its stage goes on without it.
 */
import type { PgBoss } from 'pg-boss';
import { DiptychError, type ErrorCode } from '../errors.ts';
import { withoutSecrets } from '../secrets.ts';
import { query, type Store } from '../store/client.ts';
import { appendEvent } from './events.ts';
import { type ItemFailure, recordFailures } from './failures.ts';
import { DEAD_LETTERS, RETRY_LIMIT, type TaskJob } from './queue.ts';
import { LONG, type RunStatus, type TaskPlan } from './runs.ts';
import {
  type ClaimedTask,
  claimTask,
  countDone,
  failTask,
  leaveRunning,
  lockRun,
  queueWaiting,
  stageName,
} from './tasks.ts';

/** What a task is about, for when it can't be done as a whole. */
export interface TaskItems {
  /** Tasks that do the same an item at a time; none, or one: it can't be divided. */
  parts(task: ClaimedTask): TaskPlan[];
  /** What is missing when it is given up; empty: its run can't do without it. */
  lost(task: ClaimedTask): Promise<Omit<ItemFailure, 'reason'>[]>;
}

/** Takes the tasks whose workers died again and again: the queue gives their jobs up here. */
export async function buryDeadTasks(store: Store, boss: PgBoss, items: TaskItems): Promise<void> {
  await boss.work<TaskJob>(DEAD_LETTERS, async ([job]) => {
    if (!job) return;
    const task = await claimTask(store, job.data.taskId);
    if (!task) return;
    const reason = `its worker ended without a word ${RETRY_LIMIT + 1} times (out of memory?); see the service's log`;
    await giveUpTask(store, boss, items, task, new Error(reason));
  });
}

/** Ends the tries of a task: it goes on in parts where it has some, and else is given up for good. */
export async function giveUpTask(
  store: Store,
  boss: PgBoss,
  items: TaskItems,
  task: ClaimedTask,
  error: Error,
): Promise<void> {
  if (!mayBeAnItems(error)) return failTask(store, task, error.message);
  const parts = items.parts(task);
  if (parts.length > 1) return divideTask(store, boss, task, parts);
  await buryTask(store, boss, task, await items.lost(task), error.message);
}

const OF_ITEMS: readonly ErrorCode[] = [
  'DIPTYCH_BAD_FILE',
  'DIPTYCH_ITEM_FAILED',
  'DIPTYCH_NOT_FOUND',
  'DIPTYCH_TOO_LARGE',
];

/** Whether other items may fare better. What a model, a server, the machine or the database lacks, all of them lack. */
function mayBeAnItems(error: Error): boolean {
  if (error instanceof DiptychError) return OF_ITEMS.includes(error.code);
  // Those of the system (ENOSPC) and of the database have one.
  return !('code' in error);
}

/** Goes on with the parts of a task, of as many units together, each with tries of its own. */
export async function divideTask(
  store: Store,
  boss: PgBoss,
  task: ClaimedTask,
  parts: readonly TaskPlan[],
): Promise<void> {
  await store.$transaction(async (tx) => {
    await leaveRunning(tx, task, 'waiting', null);
    const [{ last }] = (await query<{ last: number }>(
      tx,
      'SELECT max(seq) AS last FROM task WHERE run_id = $1::uuid AND ordinal = $2',
      task.runId,
      task.ordinal,
    )) as [{ last: number }];
    // The first part stays in its place.
    const rows = parts.map((part, i) => ({ ...part, seq: i === 0 ? task.seq : last + i }));
    await query(
      tx,
      `INSERT INTO task (run_id, ordinal, worker, kind, seq, units, payload)
       SELECT $1::uuid, $2, $3, $4, r.seq, r.units, r.payload
       FROM jsonb_to_recordset($5::jsonb) AS r(seq int, units int, payload jsonb)
       ON CONFLICT (run_id, ordinal, seq) DO UPDATE SET units = EXCLUDED.units, payload = EXCLUDED.payload RETURNING id`,
      task.runId,
      task.ordinal,
      task.worker,
      task.kind,
      JSON.stringify(rows),
    );
    const stage = await stageName(tx, task);
    await appendEvent(tx, task.runId, 'task-divided', { stage, attempt: task.attempt, parts: parts.length });
    await queueWaiting(tx, boss, task.runId, task.ordinal);
  }, LONG);
}

/** Gives a task up for good. Where all that is lost are some items, they fail alone and the stage goes on. */
export async function buryTask(
  store: Store,
  boss: PgBoss,
  task: ClaimedTask,
  lost: readonly Omit<ItemFailure, 'reason'>[],
  reason: string,
): Promise<void> {
  if (lost.length === 0) return failTask(store, task, reason);
  await store.$transaction(async (tx) => {
    await leaveRunning(tx, task, 'failed', withoutSecrets(reason));
    await recordFailures(
      tx,
      task,
      lost.map((item) => ({ ...item, reason })),
    );
    const stage = await stageName(tx, task);
    await appendEvent(tx, task.runId, 'task-failed', { stage, attempt: task.attempt, error: reason });
    await countDone(tx, boss, task);
  });
}

export interface DeadLetter {
  /** Of the task. */
  id: string;
  runId: string;
  stage: string;
  units: number;
  attempts: number;
  reason: string;
  /** img_ids of what the stage went on without; empty: the run can't go on without it. */
  lost: string[];
  at: Date;
  /** Place in the list. */
  micros: string;
}

/** Of all runs, the newest first, `limit` behind the one of that place. */
export function listDeadLetters(
  store: Store,
  after: Pick<DeadLetter, 'id' | 'micros'> | null,
  limit: number,
): Promise<DeadLetter[]> {
  return query<DeadLetter>(
    store,
    `SELECT t.id, t.run_id AS "runId", s.name AS stage, t.units, t.attempt AS attempts, t.error AS reason,
       ARRAY(SELECT DISTINCT a.img_id FROM item_failure f JOIN annotation a ON a.id = f.annotation_id
             WHERE f.task_id = t.id ORDER BY 1) AS lost,
       t.given_up_at AS at, (extract(epoch FROM t.given_up_at) * 1000000)::bigint::text AS micros
     FROM task t JOIN stage s ON s.run_id = t.run_id AND s.ordinal = t.ordinal
     WHERE t.given_up_at IS NOT NULL AND ($1::text IS NULL OR (t.given_up_at, t.id) <
       (timestamptz 'epoch' + $1::text::bigint * interval '1 microsecond', $2::uuid))
     ORDER BY t.given_up_at DESC, t.id DESC LIMIT $3`,
    after?.micros ?? null,
    after?.id ?? null,
    limit,
  );
}

/**
 * Tries one dead letter again. Throws DIPTYCH_NOT_FOUND when there is none, DIPTYCH_CONFLICT when its run has gone on
 * without it or was cancelled.
 */
export async function retryDeadLetter(store: Store, boss: PgBoss, id: string): Promise<void> {
  await store.$transaction(async (tx) => {
    const found = await tx.task.findUnique({ where: { id }, select: { runId: true, ordinal: true } });
    if (found) await lockRun(tx, found.runId);
    const [letter] = await query<{
      run: RunStatus;
      stage: string;
      open: boolean;
      units: number;
      items: number;
    }>(
      tx,
      `SELECT r.status AS run, s.name AS stage, t.units,
         s.status IN ('running', 'failed') AND r.status IN ('running', 'paused', 'failed') AS open,
         (SELECT count(DISTINCT (annotation_id, slot))::int FROM item_failure f WHERE f.task_id = t.id) AS items
       FROM task t JOIN run r ON r.id = t.run_id JOIN stage s ON s.run_id = t.run_id AND s.ordinal = t.ordinal
       WHERE t.id = $1::uuid AND t.given_up_at IS NOT NULL`,
      id,
    );
    if (!letter || !found) throw new DiptychError('DIPTYCH_NOT_FOUND', `there is no dead letter ${id}`);
    const { run, stage, open, units, items } = letter;
    if (!open) {
      throw new DiptychError(
        'DIPTYCH_CONFLICT',
        `run ${found.runId} is ${run} and done with stage "${stage}"; ask for a run with the same settings: images that are there are not made again`,
      );
    }
    await query(tx, 'DELETE FROM item_failure WHERE task_id = $1::uuid RETURNING id', id);
    const counted =
      items > 0 ? { done: units, dropped: items, failed: 0 } : { done: 0, dropped: 0, failed: units };
    await query(
      tx,
      `UPDATE stage SET status = 'running', finished_at = NULL,
         done = done - $3, dropped = dropped - $4, failed = failed - $5
       WHERE run_id = $1::uuid AND ordinal = $2 RETURNING name`,
      found.runId,
      found.ordinal,
      counted.done,
      counted.dropped,
      counted.failed,
    );
    await query(
      tx,
      `UPDATE run SET status = 'running', error = NULL, finished_at = NULL
       WHERE id = $1::uuid AND status = 'failed' RETURNING id`,
      found.runId,
    );
    await query(
      tx,
      `UPDATE task SET status = 'waiting', error = NULL, given_up_at = NULL WHERE id = $1::uuid RETURNING id`,
      id,
    );
    await queueWaiting(tx, boss, found.runId, found.ordinal);
    await appendEvent(tx, found.runId, 'run-retried', { tasks: 1 });
  });
}

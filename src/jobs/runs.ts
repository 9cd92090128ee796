/** Runs: made with all their tasks in one transaction, watched, paused, cancelled, tried again. */
import type { PgBoss } from 'pg-boss';
import { DiptychError } from '../errors.ts';
import { query, type Store, type Transaction } from '../store/client.ts';
import { appendEvent } from './events.ts';
import { estimateSecondsLeft, type StageProgress } from './progress.ts';
import { enqueue, moveJobs, type Priority, type WorkerName, withdrawJobs } from './queue.ts';
import { queueWaiting, startStage } from './tasks.ts';

export interface TaskPlan {
  /** What the stage counts: candidates, optimizer steps, files. */
  units: number;
  payload: Record<string, unknown>;
}

export interface StagePlan {
  name: string;
  worker: WorkerName;
  /** Which of the worker's methods does it. */
  kind: string;
  /** None: a stage before it adds them (addTasks). */
  tasks: TaskPlan[];
  /** First guess for the end time, until such a stage has run here. */
  secondsPerUnit: number;
}

export interface RunPlan {
  kind: string;
  setId: string;
  settings: Record<string, unknown>;
  stages: StagePlan[];
  /** Absent: normal. */
  priority?: Priority;
}

export type RunStatus = 'queued' | 'running' | 'paused' | 'succeeded' | 'failed' | 'cancelled';
/** Of runs that have not ended. */
const ACTIVE: readonly RunStatus[] = ['queued', 'running', 'paused'];
export const isActive = ({ status }: { status: RunStatus }) => ACTIVE.includes(status);

export interface StageView {
  name: string;
  status: string;
  total: number;
  done: number;
  failed: number;
  /** Of `done`: candidates that failed alone (failures.ts). */
  dropped: number;
  /** Finished share including running tasks, 0 to 1. */
  fraction: number;
  startedAt: Date | null;
  finishedAt: Date | null;
}

export interface RunView {
  id: string;
  kind: string;
  status: RunStatus;
  priority: Priority;
  annotationSet: string;
  settings: unknown;
  error: string | null;
  createdAt: Date;
  finishedAt: Date | null;
  stages: StageView[];
  /** Null once the run has ended, and while it is paused. */
  secondsLeft: number | null;
}

/** Transactions that may write many rows. */
export const LONG = { timeout: 120_000, maxWait: 30_000 };

export function createRun(store: Store, boss: PgBoss, plan: RunPlan): Promise<string> {
  return store.$transaction((tx) => insertRun(tx, boss, plan), LONG);
}

/** Makes a run and starts it; returns its id. */
export async function insertRun(
  tx: Transaction,
  boss: PgBoss,
  { kind, setId, settings, stages, priority }: RunPlan,
): Promise<string> {
  const run = await tx.run.create({ data: { kind, setId, settings: settings as object, priority } });
  for (const [ordinal, stage] of stages.entries()) {
    const total = stage.tasks.reduce((sum, { units }) => sum + units, 0);
    await tx.stage.create({
      data: { runId: run.id, ordinal, name: stage.name, total, secondsPerUnit: stage.secondsPerUnit },
    });
    await insertTasks(tx, run.id, ordinal, stage);
  }
  await appendEvent(tx, run.id, 'run-created', { kind });
  await startStage(tx, boss, run.id, 0);
  return run.id;
}

/** Tasks of a stage that has none yet and has not started, in the committing transaction of a task before it. */
export async function addTasks(
  tx: Transaction,
  runId: string,
  ordinal: number,
  stage: Pick<StagePlan, 'worker' | 'kind' | 'tasks'>,
): Promise<void> {
  const total = stage.tasks.reduce((sum, { units }) => sum + units, 0);
  await tx.stage.update({ where: { runId_ordinal: { runId, ordinal } }, data: { total } });
  await insertTasks(tx, runId, ordinal, stage);
}

async function insertTasks(
  tx: Transaction,
  runId: string,
  ordinal: number,
  { worker, kind, tasks }: Pick<StagePlan, 'worker' | 'kind' | 'tasks'>,
): Promise<void> {
  const rows = tasks.map(({ units, payload }, seq) => ({ seq, units, payload }));
  await query(
    tx,
    `INSERT INTO task (run_id, ordinal, worker, kind, seq, units, payload)
     SELECT $1::uuid, $2, $3, $4, r.seq, r.units, r.payload
     FROM jsonb_to_recordset($5::jsonb) AS r(seq int, units int, payload jsonb) RETURNING id`,
    runId,
    ordinal,
    worker,
    kind,
    JSON.stringify(rows),
  );
}

/** Which of some ids are those of runs that have not ended. */
export async function activeRuns(store: Store, ids: readonly string[]): Promise<Set<string>> {
  const rows = await query<{ id: string }>(
    store,
    'SELECT id::text FROM run WHERE id::text = ANY($1) AND status::text = ANY($2)',
    ids,
    ACTIVE,
  );
  return new Set(rows.map(({ id }) => id));
}

/** Throws DIPTYCH_NOT_FOUND. */
export async function getRun(store: Store, id: string): Promise<RunView> {
  const [run] = await getRuns(store, [id]);
  if (!run) throw new DiptychError('DIPTYCH_NOT_FOUND', `there is no run ${id}`);
  return run;
}

/** Runs, newest first, `limit` older than the run `before`. */
export async function listRuns(store: Store, before: string | null, limit: number): Promise<RunView[]> {
  const ids = await query<{ id: string }>(
    store,
    `SELECT id FROM run WHERE $1::uuid IS NULL
       OR (created_at, id) < (SELECT created_at, id FROM run WHERE id = $1::uuid)
     ORDER BY created_at DESC, id DESC LIMIT $2`,
    before,
    limit,
  );
  return getRuns(
    store,
    ids.map(({ id }) => id),
  );
}

/** Those that there are, in the order of their ids here. */
export async function getRuns(store: Store, ids: readonly string[]): Promise<RunView[]> {
  const found = await store.run.findMany({
    where: { id: { in: [...ids] } },
    include: { set: true, stages: { orderBy: { ordinal: 'asc' } } },
  });
  const running = await query<{ runId: string; ordinal: number; units: number }>(
    store,
    `SELECT run_id::text AS "runId", ordinal, sum(units * progress)::float8 AS units FROM task
     WHERE run_id = ANY($1::uuid[]) AND status = 'running' GROUP BY run_id, ordinal`,
    ids,
  );
  const partial = new Map(running.map(({ runId, ordinal, units }) => [`${runId} ${ordinal}`, units]));
  const ends = (run: { status: RunStatus }) => isActive(run) && run.status !== 'paused';
  const rates = await secondsPerUnit(
    store,
    found.filter(ends).flatMap(({ stages }) => stages.map(({ name }) => name)),
  );
  const view = (run: (typeof found)[number]): RunView => {
    const stages = run.stages.map(({ ordinal, runId, secondsPerUnit: guess, ...stage }) => ({
      guess,
      ...stage,
      // Without tasks yet it has no total either.
      fraction: (stage.done + (partial.get(`${runId} ${ordinal}`) ?? 0)) / Math.max(1, stage.total),
    }));
    const progress = stages.map(
      ({ guess, ...stage }): StageProgress => ({
        ...stage,
        secondsPerUnit: rates.get(stage.name) ?? guess,
        elapsed: stage.startedAt ? (Date.now() - stage.startedAt.getTime()) / 1000 : 0,
      }),
    );
    const { id, kind, status, priority, settings, error, createdAt, finishedAt } = run;
    return {
      ...{ id, kind, status, priority, settings, error, createdAt, finishedAt },
      annotationSet: run.set.name,
      stages: stages.map(({ guess: _, ...stage }) => stage),
      secondsLeft: ends(run) ? estimateSecondsLeft(progress) : null,
    };
  };
  const runs = new Map(found.map((run) => [run.id, run]));
  return ids.flatMap((id) => (runs.has(id) ? view(runs.get(id)!) : []));
}

/** Of stages by these names, as long as the last one that ended took. */
async function secondsPerUnit(store: Store, names: readonly string[]): Promise<Map<string, number>> {
  if (names.length === 0) return new Map();
  const rates = await query<{ name: string; perUnit: number }>(
    store,
    `SELECT DISTINCT ON (name) name, (extract(epoch FROM finished_at - started_at) / total)::float8 AS "perUnit"
     FROM stage WHERE name = ANY($1) AND finished_at IS NOT NULL ORDER BY name, finished_at DESC`,
    names,
  );
  return new Map(rates.map(({ name, perUnit }) => [name, perUnit]));
}

/** Stops a run: what waits is dropped, what runs notices within a second. Throws DIPTYCH_CONFLICT when ended. */
export async function cancelRun(store: Store, id: string): Promise<void> {
  await store.$transaction(async (tx) => {
    const changed = await query(
      tx,
      `UPDATE run SET status = 'cancelled', finished_at = now()
       WHERE id = $1::uuid AND status::text = ANY($2) RETURNING id`,
      id,
      ACTIVE,
    );
    if (changed.length === 0) throw await notPossible(store, id, 'cancelled', 'one that has not ended');
    for (const table of ['task', 'stage']) {
      await query(
        tx,
        `UPDATE ${table} SET status = 'cancelled'
         WHERE run_id = $1::uuid AND status IN ('waiting', 'queued', 'running') RETURNING run_id`,
        id,
      );
    }
    await withdrawJobs(tx, id);
    await appendEvent(tx, id, 'run-cancelled', {});
  });
}

/**
 * Keeps a run's tasks from the workers until it is resumed: what waits is withdrawn at once, what runs is handed back
 * by its worker within a second or so. Throws DIPTYCH_CONFLICT when it doesn't run.
 */
export async function pauseRun(store: Store, id: string): Promise<void> {
  await store.$transaction(async (tx) => {
    const changed = await query(
      tx,
      `UPDATE run SET status = 'paused' WHERE id = $1::uuid AND status IN ('queued', 'running') RETURNING id`,
      id,
    );
    if (changed.length === 0) throw await notPossible(store, id, 'paused', 'a running one');
    await query(
      tx,
      `UPDATE task SET status = 'waiting' WHERE run_id = $1::uuid AND status = 'queued' RETURNING id`,
      id,
    );
    await withdrawJobs(tx, id);
    await appendEvent(tx, id, 'run-paused', {});
  }, LONG);
}

/** Lets a paused run go on. Throws DIPTYCH_CONFLICT when it is not paused. */
export async function resumeRun(store: Store, boss: PgBoss, id: string): Promise<void> {
  await store.$transaction(async (tx) => {
    const changed = await query(
      tx,
      `UPDATE run SET status = 'running' WHERE id = $1::uuid AND status = 'paused' RETURNING id`,
      id,
    );
    if (changed.length === 0) throw await notPossible(store, id, 'resumed', 'a paused one');
    const stages = await query<{ ordinal: number }>(
      tx,
      `UPDATE stage SET started_at = started_at + (now() - greatest(started_at, (
         SELECT max(at) FROM event WHERE run_id = $1::uuid AND type = 'run-paused')))
       WHERE run_id = $1::uuid AND status = 'running' RETURNING ordinal`,
      id,
    );
    let tasks = 0;
    for (const { ordinal } of stages) tasks += await queueWaiting(tx, boss, id, ordinal);
    await appendEvent(tx, id, 'run-resumed', { tasks });
  }, LONG);
}

/** Lets a run's tasks go before or behind those of others, from now on. Throws DIPTYCH_CONFLICT when it has ended. */
export async function setPriority(store: Store, id: string, priority: Priority): Promise<void> {
  await store.$transaction(async (tx) => {
    const run = await tx.run.findUnique({ where: { id }, select: { priority: true } });
    const changed = await query(
      tx,
      `UPDATE run SET priority = $2::run_priority WHERE id = $1::uuid AND status::text = ANY($3) RETURNING id`,
      id,
      priority,
      ACTIVE,
    );
    if (changed.length === 0)
      throw await notPossible(store, id, 'given another priority', 'one that has not ended');
    if (run!.priority === priority) return;
    await moveJobs(tx, id);
    await appendEvent(tx, id, 'run-priority-changed', { priority });
  }, LONG);
}

/**
 * Tries the failed tasks of a failed run's stage again, and those with items that failed alone; no others. Throws
 * DIPTYCH_CONFLICT when the run has not failed.
 */
export async function retryRun(store: Store, boss: PgBoss, id: string): Promise<void> {
  await store.$transaction(async (tx) => {
    const changed = await query(
      tx,
      `UPDATE run SET status = 'running', error = NULL, finished_at = NULL
       WHERE id = $1::uuid AND status = 'failed' RETURNING id`,
      id,
    );
    if (changed.length === 0) throw await notPossible(store, id, 'retried', 'a failed one');
    const tasks = await query<{ id: string; worker: string }>(
      tx,
      `UPDATE task t SET status = 'queued', error = NULL, given_up_at = NULL FROM stage s
       WHERE t.run_id = $1::uuid AND s.run_id = t.run_id AND s.ordinal = t.ordinal AND s.status = 'failed'
         AND (t.status = 'failed' OR EXISTS (SELECT FROM item_failure f WHERE f.task_id = t.id))
       RETURNING t.id, t.worker`,
      id,
    );
    await query(
      tx,
      'DELETE FROM item_failure WHERE task_id = ANY($1::uuid[]) RETURNING id',
      tasks.map((task) => task.id),
    );
    await query(
      tx,
      `UPDATE stage s SET status = 'running', failed = 0, dropped = 0, finished_at = NULL,
         done = (SELECT coalesce(sum(units), 0) FROM task t
                 WHERE t.run_id = s.run_id AND t.ordinal = s.ordinal AND t.status = 'succeeded')
       WHERE run_id = $1::uuid AND status = 'failed' RETURNING name`,
      id,
    );
    await appendEvent(tx, id, 'run-retried', { tasks: tasks.length });
    await enqueue(boss, tx, id, tasks);
  });
}

async function notPossible(store: Store, id: string, what: string, need: string): Promise<DiptychError> {
  const { status } = await getRun(store, id);
  return new DiptychError('DIPTYCH_CONFLICT', `run ${id} is ${status}; only ${need} can be ${what}`);
}

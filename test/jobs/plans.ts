/** Runs to try the jobs on, and what the database holds of them. */
import type { PgBoss } from 'pg-boss';
import type { TaskItems } from '../../src/jobs/dead-letters.ts';
import type { ExportPlan } from '../../src/jobs/exports.ts';
import type { ItemFailure } from '../../src/jobs/failures.ts';
import { createRun, type RunPlan, type StagePlan } from '../../src/jobs/runs.ts';
import { type ClaimedTask, claimTask } from '../../src/jobs/tasks.ts';
import { ensureSet, listAnnotations, upsertAnnotations } from '../../src/store/annotations.ts';
import { query, type Store } from '../../src/store/client.ts';
import { scene } from '../scenes.ts';

/** Stages by name, each with the units of its tasks. */
export async function planOf(
  store: Store,
  stages: Record<string, number[]>,
  worker: StagePlan['worker'] = 'generate',
): Promise<RunPlan> {
  const { id: setId } = await ensureSet(store, 'jobs');
  return {
    kind: 'curate',
    setId,
    settings: { any: 'settings' },
    stages: Object.entries(stages).map(([name, units]) => ({
      name,
      worker,
      kind: 'work',
      secondsPerUnit: 2,
      tasks: units.map((n, i) => ({ units: n, payload: { stage: name, part: i } })),
    })),
  };
}

/** Of tasks that are all of it or nothing. */
export const WHOLE: TaskItems = { parts: () => [], lost: async () => [] };

/** A new run with two tasks in its first stage and one in its second. */
export async function newRun(store: Store, boss: PgBoss): Promise<string> {
  return createRun(store, boss, await planOf(store, { first: [3, 2], second: [1] }));
}

/** An export of a run's candidates, of the version of this name. */
export async function exportPlan(store: Store, sourceId: string, version = 'first'): Promise<ExportPlan> {
  const run = { ...(await planOf(store, { 'export-images': [3] }, 'score')), kind: 'export' };
  return { sourceId, version, layout: 'images', writer: 'hyparquet-writer', run };
}

/** That the image of an annotation's slot failed. */
export async function failureOf(store: Store, slot: number, reason: string): Promise<ItemFailure> {
  const { id } = await ensureSet(store, 'failing');
  await upsertAnnotations(store, id, [scene('failing')]);
  const [annotation] = await listAnnotations(store, id, '', 1);
  return { annotationId: annotation!.id, variant: 'curated', slot, what: 'image', reason };
}

/** Claims a task of a run by its place. */
export async function claim(store: Store, runId: string, ordinal: number, seq: number): Promise<ClaimedTask> {
  const row = await store.task.findUniqueOrThrow({
    where: { runId_ordinal_seq: { runId, ordinal, seq } },
  });
  const task = await claimTask(store, row.id);
  if (!task) throw new Error(`task ${ordinal}/${seq} can't be claimed`);
  return task;
}

const TABLES = [
  'SELECT to_jsonb(t) AS row FROM run t ORDER BY id',
  'SELECT to_jsonb(t) AS row FROM stage t ORDER BY run_id, ordinal',
  'SELECT to_jsonb(t) AS row FROM task t ORDER BY id',
  'SELECT to_jsonb(t) AS row FROM event t ORDER BY id',
  'SELECT to_jsonb(t) AS row FROM item_failure t ORDER BY id',
  'SELECT to_jsonb(t) AS row FROM artifact t ORDER BY run_id, name',
  'SELECT to_jsonb(t) AS row FROM export t ORDER BY run_id',
  'SELECT to_jsonb(t) AS row FROM pgboss.job t ORDER BY id',
];

/** Every row of every table that a run lives in, for comparing before and after. */
export async function snapshot(store: Store): Promise<unknown[]> {
  return (await Promise.all(TABLES.map((sql) => query<{ row: unknown }>(store, sql)))).flat();
}

/** Types of a run's events, in order. */
export async function eventTypes(store: Store, runId: string): Promise<string[]> {
  const events = await store.event.findMany({ where: { runId }, orderBy: { id: 'asc' } });
  return events.map(({ type }) => type);
}

/** Whether a connection to this database waits for a lock. */
export async function someoneWaits(store: Store): Promise<boolean> {
  const rows = await query(
    store,
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rows.length > 0;
}

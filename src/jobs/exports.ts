/**
 * Exports: each is a run of kind "export", so that it is queued, fenced, watched, cancelled and tried again as every
 * run is, and a row that says what it is of, so that the same thing is made once.
 */
import type { PgBoss } from 'pg-boss';
import { DiptychError } from '../errors.ts';
import { query, type Store } from '../store/client.ts';
import { getRuns, insertRun, LONG, type RunPlan, type RunView } from './runs.ts';

export interface ExportPlan {
  sourceId: string;
  version: string;
  layout: string;
  writer: string;
  run: RunPlan;
}

export interface ExportView extends RunView {
  sourceId: string;
  version: string;
  layout: string;
  /** Of all files; null until they are written. */
  bytes: number | null;
}

/**
 * The export that was made or is being made of this version in this layout, else a new one. One that failed or was
 * cancelled gives way to the new one.
 */
export async function askExport(
  store: Store,
  boss: PgBoss,
  { run, ...of }: ExportPlan,
): Promise<{ id: string; created: boolean }> {
  return store.$transaction(async (tx) => {
    // Two that ask at once wait here for each other.
    await query(tx, 'SELECT id FROM run WHERE id = $1::uuid FOR NO KEY UPDATE', of.sourceId);
    const known = await tx.export.findUnique({
      where: { sourceId_version_layout_writer: of },
      include: { run: true },
    });
    if (known && !['failed', 'cancelled'].includes(known.run.status))
      return { id: known.runId, created: false };
    if (known) await tx.run.delete({ where: { id: known.runId } });
    const id = await insertRun(tx, boss, run);
    await tx.export.create({ data: { runId: id, ...of } });
    return { id, created: true };
  }, LONG);
}

/** Throws DIPTYCH_NOT_FOUND. */
export async function getExport(store: Store, id: string): Promise<ExportView> {
  const found = await store.export.findUnique({ where: { runId: id } });
  const [view] = found ? await viewsOf(store, [found]) : [];
  if (!view) throw notFound(id);
  return view;
}

interface ExportRow extends Omit<ExportView, keyof RunView | 'bytes'> {
  runId: string;
  bytes: bigint | null;
}

async function viewsOf(store: Store, rows: readonly ExportRow[]): Promise<ExportView[]> {
  const exports = new Map(rows.map((row) => [row.runId, row]));
  const runs = await getRuns(store, [...exports.keys()]);
  return runs.map((run) => {
    const { sourceId, version, layout, bytes } = exports.get(run.id)!;
    return { ...run, ...{ sourceId, version, layout, bytes: bytes === null ? null : Number(bytes) } };
  });
}

/** Of all runs, newest first, `limit` older than the export `before`. */
export async function newestExports(
  store: Store,
  before: string | null,
  limit: number,
): Promise<ExportView[]> {
  const rows = await query<ExportRow>(
    store,
    `SELECT r.id AS "runId", e.source_id AS "sourceId", e.version, e.layout, e.bytes
     FROM export e JOIN run r ON r.id = e.run_id WHERE $1::uuid IS NULL
       OR (r.created_at, r.id) < (SELECT created_at, id FROM run WHERE id = $1::uuid)
     ORDER BY r.created_at DESC, r.id DESC LIMIT $2`,
    before,
    limit,
  );
  return viewsOf(store, rows);
}

/** Of a run, in the order of their ids, `limit` after the id `after`. */
export async function listExports(
  store: Store,
  sourceId: string,
  after: string | undefined,
  limit: number,
): Promise<ExportView[]> {
  const rows = await store.export.findMany({
    where: { sourceId, ...(after === undefined ? {} : { runId: { gt: after } }) },
    orderBy: { runId: 'asc' },
    take: limit,
  });
  return viewsOf(store, rows);
}

/** Id and version of the export of a layout that was made last, of this version where one is named; null: none was. */
export async function newestMade(
  store: Store,
  sourceId: string,
  layout: string,
  version: string | undefined,
): Promise<{ id: string; version: string } | null> {
  const found = await store.export.findFirst({
    where: { sourceId, layout, ...(version === undefined ? {} : { version }), run: { status: 'succeeded' } },
    orderBy: { run: { finishedAt: 'desc' } },
  });
  return found && { id: found.runId, version: found.version };
}

/** Forgets an export; a worker that is at it becomes stale. Its folder is left. Throws DIPTYCH_NOT_FOUND. */
export async function deleteExport(store: Store, id: string): Promise<void> {
  const { count } = await store.run.deleteMany({ where: { id, export: { isNot: null } } });
  if (count === 0) throw notFound(id);
}

/** Which of some ids are those of exports. */
export async function knownExports(store: Store, ids: readonly string[]): Promise<Set<string>> {
  const rows = await query<{ id: string }>(
    store,
    'SELECT run_id::text AS id FROM export WHERE run_id::text = ANY($1)',
    ids,
  );
  return new Set(rows.map(({ id }) => id));
}

const notFound = (id: string) => new DiptychError('DIPTYCH_NOT_FOUND', `there is no export ${id}`);

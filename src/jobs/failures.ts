/**
 * Items that failed alone: a candidate that has no image, or a metric of it no score, although its task went well.
 * Each is kept with its reason; the run goes on without it.
 */

import { withoutSecrets } from '../secrets.ts';
import type { Variant } from '../store/candidates.ts';
import { query, type Store, type Transaction } from '../store/client.ts';
import type { ClaimedTask } from './tasks.ts';

export interface ItemFailure {
  annotationId: string;
  variant: Variant;
  slot: number;
  /** "image", "scores" (all of them: its workers died), or the name of the metric. */
  what: string;
  reason: string;
}

/** Inside the committing transaction of a task. Counts each candidate once, however many of its metrics failed. */
export async function recordFailures(
  tx: Transaction,
  task: Pick<ClaimedTask, 'id' | 'runId' | 'ordinal'>,
  failures: readonly ItemFailure[],
): Promise<void> {
  if (failures.length === 0) return;
  await query(
    tx,
    `INSERT INTO item_failure (run_id, task_id, annotation_id, variant, slot, what, reason)
     SELECT $1::uuid, $2::uuid, r."annotationId", r.variant, r.slot, r.what, r.reason
     FROM jsonb_to_recordset($3::jsonb)
       AS r("annotationId" uuid, variant text, slot int, what text, reason text) RETURNING id`,
    task.runId,
    task.id,
    withoutSecrets(JSON.stringify(failures)),
  );
  const items = new Set(failures.map(({ annotationId, slot }) => `${annotationId}/${slot}`));
  await query(
    tx,
    'UPDATE stage SET dropped = dropped + $3 WHERE run_id = $1::uuid AND ordinal = $2 RETURNING name',
    task.runId,
    task.ordinal,
    items.size,
  );
}

export interface FailureView extends Omit<ItemFailure, 'annotationId'> {
  id: string;
  imgId: string;
  stage: string;
}

/** In the order in which they came, `limit` after the one with id `after`. */
export function listFailures(
  store: Store,
  runId: string,
  after: string,
  limit: number,
): Promise<FailureView[]> {
  return query<FailureView>(
    store,
    `SELECT f.id::text AS id, a.img_id AS "imgId", f.variant, f.slot, f.what, f.reason, s.name AS stage
     FROM item_failure f
     JOIN annotation a ON a.id = f.annotation_id
     JOIN task t ON t.id = f.task_id
     JOIN stage s ON s.run_id = t.run_id AND s.ordinal = t.ordinal
     WHERE f.run_id = $1::uuid AND f.id > $2::bigint ORDER BY f.id LIMIT $3`,
    runId,
    after,
    limit,
  );
}

export interface FailureGroup {
  stage: string;
  what: string;
  reason: string;
  /** Candidates with it. */
  count: number;
}

/** What failed and why, the most frequent first, at most `limit` of them. */
export function failureGroups(store: Store, runId: string, limit: number): Promise<FailureGroup[]> {
  return query<FailureGroup>(
    store,
    `SELECT s.name AS stage, f.what, f.reason, count(*)::int AS count
     FROM item_failure f
     JOIN task t ON t.id = f.task_id
     JOIN stage s ON s.run_id = t.run_id AND s.ordinal = t.ordinal
     WHERE f.run_id = $1::uuid AND f.variant = 'curated'
     GROUP BY s.name, f.what, f.reason ORDER BY count DESC, stage, f.what, f.reason LIMIT $2`,
    runId,
    limit,
  );
}

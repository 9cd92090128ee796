/** The annotations of a run with the little that a list of all of them needs: to be sorted, filtered, drawn small. */
import type { Variant } from './candidates.ts';
import { query, type Store } from './client.ts';

export interface RunItem {
  imgId: string;
  prompt: string;
  /** Of its items, each once. */
  labels: string[];
  /** Predicates, each once. */
  relations: string[];
  candidates: ItemCandidate[];
  /** What failed alone of it: "image", or a metric's name. */
  failed: string[];
}

export interface ItemCandidate {
  id: string;
  slot: number;
  /** Null: unknown, of an imported image. */
  seed: number | null;
  sha256: string;
  width: number;
  height: number;
  /** Raw values by metric, of the newest version each (`listScored`). */
  scores: Record<string, number>;
}

/** In byte order of img_id: those that have a candidate or a failure in the variant, `limit` after `after`. */
export async function listRunItems(
  store: Store,
  runId: string,
  variant: Variant,
  { after, limit }: { after: string; limit: number },
): Promise<RunItem[]> {
  /** Ids of those with a row in a table, up to an img_id. */
  const withRow = (table: 'candidate' | 'item_failure', until: string | null) =>
    query<{ id: string; imgId: string }>(
      store,
      `SELECT a.id, a.img_id AS "imgId" FROM annotation a
       WHERE a.set_id = (SELECT set_id FROM run WHERE id = $1::uuid)
         AND a.img_id > $3 AND ($5::text IS NULL OR a.img_id <= $5)
         AND EXISTS (SELECT FROM ${table} t WHERE t.run_id = $1::uuid AND t.variant = $2 AND t.annotation_id = a.id)
       ORDER BY a.img_id LIMIT $4`,
      runId,
      variant,
      after,
      limit,
      until,
    );
  const made = await withRow('candidate', null);
  const failed = await withRow('item_failure', made.length === limit ? made.at(-1)!.imgId : null);
  const annotations = await query<Omit<RunItem, 'candidates' | 'failed'> & { id: string }>(
    store,
    `SELECT a.id, a.img_id AS "imgId", a.prompt,
            (SELECT coalesce(jsonb_agg(DISTINCT i ->> 'label'), '[]')
             FROM jsonb_array_elements(a.body -> 'items') AS i) AS labels,
            (SELECT coalesce(jsonb_agg(DISTINCT r ->> 'relation'), '[]')
             FROM jsonb_array_elements(a.body -> 'relations') AS r) AS relations
     FROM annotation a WHERE a.id = ANY($1::uuid[]) ORDER BY a.img_id LIMIT $2`,
    [...made, ...failed].map(({ id }) => id),
    limit,
  );
  const ids = annotations.map(({ id }) => id);
  const candidates = await query<ItemCandidate & { annotationId: string }>(
    store,
    `SELECT c.id, c.annotation_id AS "annotationId", c.slot, c.seed::float8 AS seed, c.sha256, c.width, c.height,
            coalesce((SELECT jsonb_object_agg(s.metric, s.value ORDER BY s.mode, s.version)
                      FROM score s WHERE s.candidate_id = c.id), '{}') AS scores
     FROM candidate c WHERE c.run_id = $1::uuid AND c.variant = $2 AND c.annotation_id = ANY($3::uuid[])
     ORDER BY c.slot`,
    runId,
    variant,
    ids,
  );
  const failures = await query<{ annotationId: string; what: string }>(
    store,
    `SELECT DISTINCT annotation_id AS "annotationId", what FROM item_failure
     WHERE run_id = $1::uuid AND variant = $2 AND annotation_id = ANY($3::uuid[]) ORDER BY what`,
    runId,
    variant,
    ids,
  );
  const candidatesOf = Map.groupBy(candidates, ({ annotationId }) => annotationId);
  const failuresOf = Map.groupBy(failures, ({ annotationId }) => annotationId);
  return annotations.map(({ id, ...annotation }) => ({
    ...annotation,
    candidates: (candidatesOf.get(id) ?? []).map(({ annotationId: _, ...candidate }) => candidate),
    failed: (failuresOf.get(id) ?? []).map(({ what }) => what),
  }));
}

/** Annotation sets and their annotations. */
import { hash } from 'node:crypto';
import type { Annotation } from '../annotations/annotation.ts';
import { promptText } from '../annotations/prompt.ts';
import { DiptychError } from '../errors.ts';
import { query, type Store, type Transaction } from './client.ts';

export interface StoredAnnotation {
  id: string;
  imgId: string;
  body: Annotation;
  prompt: string;
}

export interface SetView {
  id: string;
  name: string;
  count: number;
  createdAt: Date;
}

export interface UpsertCounts {
  inserted: number;
  updated: number;
  unchanged: number;
}

/** The set of this name, made when it is not there. */
export async function ensureSet(store: Store, name: string): Promise<SetView> {
  const [set] = await query<SetView>(
    store,
    `INSERT INTO annotation_set (name) VALUES ($1)
     ON CONFLICT (name) DO UPDATE SET name = EXCLUDED.name
     RETURNING id, name, count, created_at AS "createdAt"`,
    name,
  );
  return set!;
}

/** An empty set that an import was asked for is not there until that has succeeded. */
const IS_THERE = { OR: [{ count: { gt: 0 } }, { runs: { none: { kind: 'import' } } }] };

/** Throws DIPTYCH_NOT_FOUND. */
export async function findSet(store: Store, name: string): Promise<SetView> {
  const set = await store.annotationSet.findFirst({ where: { name, ...IS_THERE } });
  if (!set) throw new DiptychError('DIPTYCH_NOT_FOUND', `there is no annotation set "${name}"`);
  return set;
}

/** Sets by name, `limit` after the name `after`. */
export function listSets(store: Store, after: string, limit: number): Promise<SetView[]> {
  return store.annotationSet.findMany({
    where: { name: { gt: after }, ...IS_THERE },
    orderBy: { name: 'asc' },
    take: limit,
  });
}

/** Tells an update from a repetition. */
export const contentHash = (body: Annotation): string => hash('sha256', JSON.stringify(body));

/**
 * Stores a batch by img_id. Equal content counts as unchanged and is not written; of records with the same
 * img_id in one batch the last one stays, and the earlier ones count as updates. One statement: all of it or nothing.
 */
export async function upsertAnnotations(
  store: Store,
  setId: string,
  batch: readonly Annotation[],
): Promise<UpsertCounts> {
  const last = new Map(batch.map((annotation) => [annotation.img_id, annotation]));
  const rows = [...last.values()].map(rowText);
  const [counts] = await query<{ inserted: number; written: number }>(
    store,
    `WITH written AS (
       INSERT INTO annotation (set_id, img_id, body, prompt, content_hash)
       SELECT $1::uuid, r.img_id, r.body, r.prompt, r.hash
       FROM jsonb_to_recordset($2::jsonb) AS r(img_id text, body jsonb, prompt text, hash text)
       ORDER BY r.img_id
       ON CONFLICT (set_id, img_id) DO UPDATE
         SET body = EXCLUDED.body, prompt = EXCLUDED.prompt, content_hash = EXCLUDED.content_hash
         WHERE annotation.content_hash <> EXCLUDED.content_hash
       RETURNING xmax = 0 AS inserted
     ), counts AS (
       SELECT count(*)::int AS written, count(*) FILTER (WHERE inserted)::int AS inserted FROM written
     )
     UPDATE annotation_set s SET count = s.count + counts.inserted FROM counts
     WHERE s.id = $1::uuid RETURNING counts.inserted, counts.written`,
    setId,
    `[${rows.join()}]`,
  );
  const { inserted, written } = counts!;
  const repeated = batch.length - rows.length;
  return { inserted, updated: written - inserted + repeated, unchanged: rows.length - written };
}

/** As JSON. The body becomes text once, for its hash and for the database. */
function rowText(annotation: Annotation): string {
  const body = JSON.stringify(annotation);
  const [imgId, prompt] = [annotation.img_id, promptText(annotation)].map((text) => JSON.stringify(text));
  return `{"img_id":${imgId},"body":${body},"prompt":${prompt},"hash":"${hash('sha256', body)}"}`;
}

/** Annotations of a set in byte order of img_id (the column's collation), `limit` after the img_id `after`. */
export function listAnnotations(
  store: Store,
  setId: string,
  after: string,
  limit: number,
): Promise<StoredAnnotation[]> {
  return query<StoredAnnotation>(
    store,
    `SELECT id, img_id AS "imgId", body, prompt FROM annotation
     WHERE set_id = $1::uuid AND img_id > $2 ORDER BY img_id LIMIT $3`,
    setId,
    after,
    limit,
  );
}

/** By id, in the order of the ids. */
export async function getAnnotations(
  store: Store | Transaction,
  ids: readonly string[],
): Promise<StoredAnnotation[]> {
  const rows = await query<StoredAnnotation>(
    store,
    `SELECT id, img_id AS "imgId", body, prompt FROM annotation WHERE id = ANY($1::uuid[])`,
    ids,
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

/** Every id of a set with what puts it on a side (splitKey of exports), in the order of img_id, a page at a time. */
export async function* annotationKeys(
  store: Store,
  setId: string,
): AsyncGenerator<{ id: string; splitKey: string }> {
  let after = '';
  for (;;) {
    const page = await query<{ id: string; imgId: string; splitKey: string }>(
      store,
      `SELECT id, img_id AS "imgId", CASE WHEN body ? 'pickapic' THEN prompt ELSE img_id END AS "splitKey"
       FROM annotation
       WHERE set_id = $1::uuid AND img_id > $2 ORDER BY img_id LIMIT 5000`,
      setId,
      after,
    );
    yield* page;
    if (page.length < 5000) return;
    after = page.at(-1)!.imgId;
  }
}

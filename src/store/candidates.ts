/** Candidates and their scores. */
import { query, type Store, type Transaction } from './client.ts';

export const VARIANTS = ['curated', 'base', 'tuned'] as const;
export type Variant = (typeof VARIANTS)[number];

/** How an image was made; part of its request hash. Null: the server that made it does not tell or take it. */
export interface Generation {
  model: string;
  modelHash: string | null;
  sampler: string | null;
  steps: number | null;
  guidance: number | null;
  /** Of an image that another server made. */
  server?: { api: string; host: string };
}

export interface NewCandidate {
  runId: string;
  annotationId: string;
  variant: Variant;
  slot: number;
  /** Null: of an imported image, whose seed nobody told. */
  seed: number | null;
  requestHash: string;
  sha256: string;
  width: number;
  height: number;
  generation: Generation;
}

export interface NewScore {
  candidateId: string;
  metric: string;
  mode: string;
  version: string;
  value: number;
  evidence: Record<string, unknown>;
}

/** A candidate with its annotation's key and its raw metric values. */
export interface ScoredCandidate extends Omit<NewCandidate, 'annotationId'> {
  id: string;
  annotationId: string;
  imgId: string;
  prompt: string;
  scores: Record<string, number>;
}

/** Inside the committing transaction of a task. An attempt that repeats a committed one changes nothing. */
export async function insertCandidates(tx: Transaction, rows: readonly NewCandidate[]): Promise<void> {
  await query(
    tx,
    `INSERT INTO candidate (run_id, annotation_id, variant, slot, seed, request_hash, sha256, width, height, generation)
     SELECT r."runId", r."annotationId", r.variant, r.slot, r.seed, r."requestHash", r.sha256, r.width, r.height, r.generation
     FROM jsonb_to_recordset($1::jsonb) AS r("runId" uuid, "annotationId" uuid, variant text, slot int, seed bigint,
       "requestHash" text, sha256 text, width int, height int, generation jsonb)
     ON CONFLICT (run_id, variant, annotation_id, slot) DO NOTHING RETURNING id`,
    JSON.stringify(rows),
  );
}

export async function insertScores(tx: Transaction, rows: readonly NewScore[]): Promise<void> {
  await query(
    tx,
    `INSERT INTO score (candidate_id, metric, mode, version, value, evidence)
     SELECT r."candidateId", r.metric, r.mode, r.version, r.value, r.evidence
     FROM jsonb_to_recordset($1::jsonb) AS r("candidateId" uuid, metric text, mode text, version text, value float8, evidence jsonb)
     ON CONFLICT (candidate_id, metric, mode, version) DO NOTHING RETURNING candidate_id`,
    JSON.stringify(rows),
  );
}

/** sha256 of images that were made before, by request hash. */
export async function findGenerated(
  store: Store,
  requestHashes: readonly string[],
): Promise<Map<string, string>> {
  const rows = await store.generatedImage.findMany({ where: { requestHash: { in: [...requestHashes] } } });
  return new Map(rows.map((row) => [row.requestHash, row.sha256]));
}

/** Needs no transaction with what the images are for: they are the same whoever asks. */
export async function rememberGenerated(
  store: Store | Transaction,
  rows: readonly { requestHash: string; sha256: string }[],
): Promise<void> {
  await store.generatedImage.createMany({ data: [...rows], skipDuplicates: true });
}

/** Which scores count, by metric, each as "MODE/VERSION". */
export type ScoreVersions = Readonly<Record<string, string>>;

export interface Page {
  /** Continue after this candidate: its img_id and slot. */
  after?: { imgId: string; slot: number };
  limit: number;
  /** Absent: of every metric the newest version in the mode last by name. */
  scores?: ScoreVersions;
}

/** Candidates of a run and variant with scores, in the order of img_id and slot. */
export async function listScored(
  store: Store,
  runId: string,
  variant: Variant,
  { after, limit, scores }: Page,
): Promise<ScoredCandidate[]> {
  const rows = await query<ScoredCandidate & { seed: bigint | null }>(
    store,
    `SELECT c.id, c.run_id AS "runId", c.annotation_id AS "annotationId", c.variant, c.slot, c.seed,
            c.request_hash AS "requestHash", c.sha256, c.width, c.height, c.generation,
            a.img_id AS "imgId", a.prompt,
            coalesce((SELECT jsonb_object_agg(s.metric, s.value ORDER BY s.mode, s.version) FROM score s
              WHERE s.candidate_id = c.id
                AND ($6::jsonb IS NULL OR s.mode || '/' || s.version = $6::jsonb ->> s.metric)), '{}') AS scores
     FROM candidate c JOIN annotation a ON a.id = c.annotation_id
     WHERE c.run_id = $1::uuid AND c.variant = $2
       -- The set is for the planner: a large run is read in the order of its set, from there on.
       AND a.set_id = (SELECT set_id FROM run WHERE id = $1::uuid)
       AND a.img_id >= $3 AND (a.img_id > $3 OR c.slot > $4::int)
     ORDER BY a.img_id, c.slot LIMIT $5`,
    runId,
    variant,
    after?.imgId ?? '',
    after?.slot ?? -1,
    limit,
    scores === undefined ? null : JSON.stringify(scores),
  );
  return rows.map((row) => ({ ...row, seed: row.seed === null ? null : Number(row.seed) }));
}

/** All of them, page by page. */
export async function* allScored(
  store: Store,
  runId: string,
  variant: Variant,
  { pageSize = 500, scores }: { pageSize?: number; scores?: ScoreVersions } = {},
): AsyncGenerator<ScoredCandidate> {
  let after: Page['after'];
  for (;;) {
    const page = await listScored(store, runId, variant, { after, limit: pageSize, scores });
    yield* page;
    if (page.length < pageSize) return;
    after = page.at(-1)!;
  }
}

/** The metrics alone of all of them: what a reward's scales are made of. */
export async function* allMetrics(
  ...which: Parameters<typeof allScored>
): AsyncGenerator<ScoredCandidate['scores']> {
  for await (const { scores } of allScored(...which)) yield scores;
}

/** The score versions that a variant of a run has, by metric, the one that counts by default last. */
export async function scoreVersions(
  store: Store,
  runId: string,
  variant: Variant,
): Promise<Record<string, string[]>> {
  const rows = await query<{ metric: string; versions: string[] }>(
    store,
    `SELECT metric, array_agg(mode || '/' || version ORDER BY mode, version) AS versions
     FROM (SELECT DISTINCT s.metric, s.mode, s.version FROM score s JOIN candidate c ON c.id = s.candidate_id
           WHERE c.run_id = $1::uuid AND c.variant = $2) AS found
     GROUP BY metric ORDER BY metric`,
    runId,
    variant,
  );
  return Object.fromEntries(rows.map(({ metric, versions }) => [metric, versions]));
}

/** Candidates of some annotations in one variant, in the order of annotation and slot. */
export async function candidatesOf(
  store: Store,
  runId: string,
  variant: Variant,
  annotationIds: readonly string[],
): Promise<{ id: string; annotationId: string; slot: number; sha256: string }[]> {
  const rows = await store.candidate.findMany({
    where: { runId, variant, annotationId: { in: [...annotationIds] } },
    select: { id: true, annotationId: true, slot: true, sha256: true },
  });
  const order = new Map(annotationIds.map((id, i) => [id, i]));
  return rows.sort((a, b) => order.get(a.annotationId)! - order.get(b.annotationId)! || a.slot - b.slot);
}

/** Raw values of some candidates by metric, as listScored has them; those without any are left out. */
export async function scoresOf(
  store: Store,
  candidateIds: readonly string[],
): Promise<Map<string, ScoredCandidate['scores']>> {
  const rows = await query<{ id: string; scores: ScoredCandidate['scores'] }>(
    store,
    `SELECT candidate_id AS id, jsonb_object_agg(metric, value ORDER BY mode, version) AS scores
     FROM score WHERE candidate_id = ANY($1::uuid[]) GROUP BY candidate_id`,
    candidateIds,
  );
  return new Map(rows.map(({ id, scores }) => [id, scores]));
}

/** One candidate with every score and its evidence; null when there is none. */
export function getCandidate(store: Store, id: string) {
  return store.candidate.findUnique({
    where: { id },
    include: { scores: { orderBy: { metric: 'asc' } }, annotation: true },
  });
}

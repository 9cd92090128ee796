/** Annotations, candidates and scores that were made elsewhere, as an import adds them to a set and a run. */
import type { Annotation } from '../annotations/annotation.ts';
import { DiptychError } from '../errors.ts';
import { contentHash } from './annotations.ts';
import { insertCandidates, type NewCandidate, type NewScore } from './candidates.ts';
import { query, type Transaction } from './client.ts';
import type { Outcome } from './votes.ts';

export interface ImportedCandidate
  extends Pick<NewCandidate, 'slot' | 'seed' | 'sha256' | 'width' | 'height' | 'generation'> {
  scores: Omit<NewScore, 'candidateId'>[];
}

/** Who saw what where, and for how long, is not known of it. */
export interface ImportedVote {
  voter: string;
  /** In their order. */
  slots: number[];
  ranking: number[];
  outcome: Outcome;
}

export interface ImportedAnnotation {
  imgId: string;
  /** Null: the annotation must be in the set already. */
  content: { body: Annotation; prompt: string } | null;
  candidates: ImportedCandidate[];
  votes?: ImportedVote[];
}

/** How many are new. */
export interface ImportCounts {
  annotations: number;
  candidates: number;
  scores: number;
  votes: number;
}

/**
 * Inside the committing transaction of a task. An import never changes an annotation: one that is in the set already
 * must be the same (DIPTYCH_CONFLICT), and one that comes without content must be there (DIPTYCH_NOT_FOUND). `votes`: how
 * many the run has. Returns the ids of the annotations in their order.
 */
export async function insertImported(
  tx: Transaction,
  { runId, setId, votes: before }: { runId: string; setId: string; votes: number },
  batch: readonly ImportedAnnotation[],
): Promise<{ ids: string[]; counts: ImportCounts }> {
  const rows = batch.map(({ imgId, content }, seq) => ({
    ...{ seq, img_id: imgId, body: content?.body, prompt: content?.prompt },
    hash: content && contentHash(content.body),
  }));
  const record = `jsonb_to_recordset($2::jsonb) AS r(seq int, img_id text, body jsonb, prompt text, hash text)`;
  const inserted = await query<{ id: string; img_id: string }>(
    tx,
    `INSERT INTO annotation (set_id, img_id, body, prompt, content_hash)
     SELECT $1::uuid, r.img_id, r.body, r.prompt, r.hash FROM ${record}
     WHERE r.body IS NOT NULL ORDER BY r.img_id
     ON CONFLICT (set_id, img_id) DO NOTHING RETURNING id, img_id`,
    setId,
    JSON.stringify(rows),
  );
  await query(
    tx,
    'UPDATE annotation_set SET count = count + $2 WHERE id = $1::uuid RETURNING id',
    setId,
    inserted.length,
  );
  const idsByImgId = new Map(inserted.map(({ id, img_id }) => [img_id, id]));
  const isNew = new Set(idsByImgId.keys());
  // Once: whatever comes again is held against it.
  const others = rows.filter(({ img_id }) => !isNew.delete(img_id));
  const found = await query<{ id: string | null; img_id: string; same: boolean }>(
    tx,
    `SELECT a.id, r.img_id, r.body IS NULL OR (a.body = r.body AND a.prompt = r.prompt) AS same
     FROM ${record} LEFT JOIN annotation a ON a.set_id = $1::uuid AND a.img_id = r.img_id ORDER BY r.seq`,
    setId,
    JSON.stringify(others),
  );
  for (const { id, img_id: imgId, same } of found) {
    if (id === null) {
      throw new DiptychError(
        'DIPTYCH_NOT_FOUND',
        `the annotation set has no annotation "${imgId}"; send it first (POST /v1/annotation-sets/NAME/annotations)`,
      );
    }
    if (!same) {
      throw new DiptychError(
        'DIPTYCH_CONFLICT',
        `the annotation set has another annotation of img_id "${imgId}"; import into a set of another name`,
      );
    }
    idsByImgId.set(imgId, id);
  }
  const ids = batch.map(({ imgId }) => idsByImgId.get(imgId)!);
  const candidates = batch.flatMap(({ candidates: own }, i) =>
    own.map((candidate) => ({ annotationId: ids[i]!, ...candidate })),
  );
  await insertCandidates(
    tx,
    candidates.map(({ scores: _, ...candidate }) => ({
      ...{ runId, variant: 'curated' as const, ...candidate },
      // Nothing else is known to decide the image.
      requestHash: candidate.sha256,
    })),
  );
  const scores = candidates.flatMap(({ annotationId, slot, scores: own }) =>
    own.map((score) => ({ annotationId, slot, ...score })),
  );
  await query(
    tx,
    `INSERT INTO score (candidate_id, metric, mode, version, value, evidence)
     SELECT c.id, r.metric, r.mode, r.version, r.value, r.evidence
     FROM jsonb_to_recordset($2::jsonb) AS r("annotationId" uuid, slot int, metric text, mode text, version text,
       value float8, evidence jsonb)
     JOIN candidate c ON c.run_id = $1::uuid AND c.variant = 'curated'
       AND c.annotation_id = r."annotationId" AND c.slot = r.slot RETURNING candidate_id`,
    runId,
    JSON.stringify(scores),
  );
  const votes = batch.flatMap(({ votes: own = [] }, i) =>
    own.map((vote) => ({ annotationId: ids[i]!, mode: vote.slots.length === 2 ? 'pair' : 'rank', ...vote })),
  );
  const idsOf = (slots: string) =>
    `ARRAY(SELECT c.id FROM unnest(${slots}) WITH ORDINALITY AS s(slot, place) JOIN candidate c ON c.run_id = $1::uuid
       AND c.variant = 'curated' AND c.annotation_id = r."annotationId" AND c.slot = s.slot ORDER BY s.place)`;
  await query(
    tx,
    `INSERT INTO vote (run_id, annotation_id, voter, mode, candidates, shown, outcome, ranking, seconds, revision)
     SELECT $1::uuid, r."annotationId", r.voter, r.mode, ${idsOf('r.slots')}, '{}', r.outcome, ${idsOf('r.ranking')}, 0,
       $3::int + r.seq
     FROM jsonb_to_recordset($2::jsonb) AS r("annotationId" uuid, voter text, mode text, slots int[], ranking int[],
       outcome text, seq int) RETURNING id`,
    runId,
    JSON.stringify(votes.map((vote, i) => ({ ...vote, seq: i + 1 }))),
    before,
  );
  return {
    ids,
    counts: {
      ...{ annotations: inserted.length, candidates: candidates.length },
      ...{ scores: scores.length, votes: votes.length },
    },
  };
}

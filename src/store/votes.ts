/**
 * Votes on a run's candidates. Every vote and every undoing raises the run's `vote_revision`, in a transaction that holds
 * the run's row: what stood at a revision never changes again, so trainings and exports name one and read it.
 */
import { DiptychError } from '../errors.ts';
import type { CandidateSet, VoteMode } from '../preference/comparisons.ts';
import type { Variant } from './candidates.ts';
import { query, type Store, type Transaction } from './client.ts';

export const OUTCOMES = ['ranking', 'both-good', 'both-bad'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface NewVote {
  runId: string;
  annotationId: string;
  voter: string;
  mode: VoteMode;
  /**
   * Ids in the order of variant and slot; `shown`: from the left, empty of an imported vote, of which that and the seconds are
   * not known; `ranking`: best first, empty without one.
   */
  candidates: string[];
  shown: string[];
  outcome: Outcome;
  ranking: string[];
  seconds: number;
}

export interface StoredVote extends NewVote {
  id: string;
  revision: number;
  createdAt: Date;
}

const COLUMNS = `v.id, v.run_id AS "runId", v.annotation_id AS "annotationId", v.voter, v.mode, v.candidates::text[],
  v.shown::text[], v.outcome, v.ranking::text[], v.seconds, v.revision, v.created_at AS "createdAt"`;

/**
 * Notes a vote; the same one again changes nothing. Throws DIPTYCH_CONFLICT when the voter has said otherwise about these
 * candidates.
 */
export function castVote(store: Store, vote: NewVote): Promise<StoredVote> {
  return store.$transaction(async (tx) => {
    const revision = await nextRevision(tx, vote.runId);
    const [standing] = await query<StoredVote>(
      tx,
      `SELECT ${COLUMNS} FROM vote v
       WHERE run_id = $1::uuid AND voter = $2 AND candidates = $3::uuid[] AND undone = 0`,
      vote.runId,
      vote.voter,
      vote.candidates,
    );
    if (standing && isSame(standing, vote)) return standing;
    if (standing) {
      throw new DiptychError(
        'DIPTYCH_CONFLICT',
        `${vote.voter} has voted on these candidates before, "${standing.outcome}"; undo vote ${standing.id} first`,
      );
    }
    const { id, createdAt } = await tx.vote.create({
      data: { ...vote, revision },
      select: { id: true, createdAt: true },
    });
    await raiseRevision(tx, vote.runId, revision);
    return { ...vote, id, revision, createdAt };
  });
}

/** Undoes a vote; one that is undone stays so. Throws DIPTYCH_NOT_FOUND. */
export function undoVote(store: Store, runId: string, id: string): Promise<void> {
  return store.$transaction(async (tx) => {
    const revision = await nextRevision(tx, runId);
    const vote = await tx.vote.findFirst({ where: { id, runId } });
    if (!vote) throw new DiptychError('DIPTYCH_NOT_FOUND', `run ${runId} has no vote ${id}`);
    if (vote.undone !== 0) return;
    await tx.vote.update({ where: { id }, data: { undone: revision } });
    await raiseRevision(tx, runId, revision);
  });
}

/** Others that vote on the run wait until the transaction ends. */
async function nextRevision(tx: Transaction, runId: string): Promise<number> {
  const [run] = await query<{ next: number }>(
    tx,
    'SELECT vote_revision + 1 AS next FROM run WHERE id = $1::uuid FOR NO KEY UPDATE',
    runId,
  );
  if (!run) throw new DiptychError('DIPTYCH_NOT_FOUND', `there is no run ${runId}`);
  return run.next;
}

async function raiseRevision(tx: Transaction, runId: string, revision: number): Promise<void> {
  await query(tx, 'UPDATE run SET vote_revision = $2 WHERE id = $1::uuid RETURNING id', runId, revision);
}

function isSame(a: NewVote, b: NewVote): boolean {
  return a.outcome === b.outcome && a.ranking.join() === b.ranking.join();
}

/** Throws DIPTYCH_NOT_FOUND. */
export async function voteRevision(store: Store, runId: string): Promise<number> {
  const run = await store.run.findUnique({ where: { id: runId }, select: { voteRevision: true } });
  if (!run) throw new DiptychError('DIPTYCH_NOT_FOUND', `there is no run ${runId}`);
  return run.voteRevision;
}

export interface WhichVotes {
  /** What stood then; absent: what stands now. */
  revision?: number;
  /** Continue after the vote that made this revision. */
  after?: number;
  limit?: number;
  voter?: string;
  mode?: VoteMode;
  annotationIds?: readonly string[];
}

/** Standing votes of a run, in the order in which they were given. */
export function listVotes(store: Store, runId: string, which: WhichVotes = {}): Promise<StoredVote[]> {
  const { revision, after, limit, voter, mode, annotationIds } = which;
  return query<StoredVote>(
    store,
    `SELECT ${COLUMNS} FROM vote v
     WHERE run_id = $1::uuid AND revision > $2
       AND CASE WHEN $3::int IS NULL THEN undone = 0
                ELSE revision <= $3 AND (undone = 0 OR undone > $3) END
       AND ($4::text IS NULL OR voter = $4) AND ($5::text IS NULL OR mode = $5)
       AND ($6::uuid[] IS NULL OR annotation_id = ANY($6))
     ORDER BY revision LIMIT $7`,
    runId,
    after ?? 0,
    revision ?? null,
    voter ?? null,
    mode ?? null,
    annotationIds ?? null,
    limit ?? null,
  );
}

/** Of what a comparison consists: the variants, and how many candidates at least. */
const COMPARED: Record<VoteMode, { variants: [Variant, ...Variant[]]; atLeast: number }> = {
  pair: { variants: ['curated'], atLeast: 2 },
  rank: { variants: ['curated'], atLeast: 3 },
  study: { variants: ['base', 'tuned'], atLeast: 2 },
};
/** Sets of a study have one slot each. */
const setKey = (mode: VoteMode) => (mode === 'study' ? 'annotation_id, slot' : 'annotation_id');

/** What can be compared in a run: see `VOTE_MODES`. In the order of `SetsFrom`, and of slot where a set is of one. */
export async function* candidateSets(
  store: Store,
  runId: string,
  mode: VoteMode,
  from: string,
  pageSize = 200,
): AsyncGenerator<CandidateSet> {
  for (const [after, until] of [
    [from, LAST_ID],
    [FIRST_ID, from],
  ] as const) {
    let last: string | undefined = after;
    while (last !== undefined) {
      const page = await setsAfter(store, runId, mode, { after: last, until, limit: pageSize });
      yield* page.sets;
      last = page.last;
    }
  }
}

const [FIRST_ID, LAST_ID] = ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'];

/** Those of some annotations behind an id, up to another; `last`: the last one's id where there may be more. */
async function setsAfter(
  store: Store,
  runId: string,
  mode: VoteMode,
  { after, until, limit }: { after: string; until: string; limit: number },
): Promise<{ sets: CandidateSet[]; last: string | undefined }> {
  const { variants, atLeast } = COMPARED[mode];
  const annotations = await query<{ id: string }>(
    store,
    `SELECT DISTINCT annotation_id AS id FROM candidate
     WHERE run_id = $1::uuid AND variant = $2 AND annotation_id > $3::uuid AND annotation_id <= $4::uuid
     ORDER BY annotation_id LIMIT $5`,
    runId,
    variants[0],
    after,
    until,
    limit,
  );
  const ids = annotations.map(({ id }) => id);
  const sets = await query<CandidateSet>(
    store,
    `SELECT annotation_id AS "annotationId", array_agg(id::text ORDER BY variant, slot) AS candidates
     FROM candidate WHERE run_id = $1::uuid AND variant = ANY($2) AND annotation_id = ANY($3::uuid[])
     GROUP BY ${setKey(mode)} HAVING count(*) >= $4 ORDER BY ${setKey(mode)}`,
    runId,
    variants,
    ids,
    atLeast,
  );
  return { sets, last: ids.length === limit ? ids.at(-1) : undefined };
}

/** How many comparisons there are. */
export async function comparisonCount(store: Store, runId: string, mode: VoteMode): Promise<number> {
  const { variants, atLeast } = COMPARED[mode];
  const [row] = await query<{ count: number }>(
    store,
    `SELECT coalesce(sum(${mode === 'pair' ? 'n * (n - 1) / 2' : '1'}), 0)::float8 AS count
     FROM (SELECT count(*) AS n FROM candidate WHERE run_id = $1::uuid AND variant = ANY($2)
           GROUP BY ${setKey(mode)} HAVING count(*) >= $3) AS sets`,
    runId,
    variants,
    atLeast,
  );
  return row!.count;
}

/** What a voter is asked next. */
import { scoredRun } from '../../pipelines/scored-run.ts';
import type { Annotation } from '../annotations/annotation.ts';
import { comparisonCount, comparisons, type VoteMode } from '../preference/comparisons.ts';
import { hashSeed } from '../random.ts';
import { getAnnotations } from '../store/annotations.ts';
import type { Store } from '../store/client.ts';
import { candidateSets, listVotes } from '../store/votes.ts';

export interface NextComparisons {
  /** In their order, of those that the voter has not answered. */
  items: {
    imgId: string;
    prompt: string;
    annotation: Annotation;
    /** From the left. */
    shown: { id: string; sha256: string; width: number; height: number }[];
  }[];
  judged: number;
  total: number;
  /** The voter's last vote in this mode: what to undo. */
  lastVote: string | null;
}

/** Nothing of it tells a variant, slot or seed. Its errors are scoredRun's. */
export async function nextComparisons(
  store: Store,
  runId: string,
  { voter, mode, limit }: { voter: string; mode: VoteMode; limit: number },
): Promise<NextComparisons> {
  await scoredRun(store, runId, mode === 'study' ? 'evaluated' : 'curated');
  const sets = await candidateSets(store, runId, mode);
  const own = await listVotes(store, runId, { voter, mode });
  const answered = new Set(own.map(({ candidates }) => candidates.join()));
  const next = comparisons(sets, mode, hashSeed('votes', runId), voter)
    .filter(({ candidates }) => !answered.has(candidates.join()))
    .take(limit)
    .toArray();

  const annotations = await getAnnotations(
    store,
    next.map(({ annotationId }) => annotationId),
  );
  const images = await store.candidate.findMany({
    where: { id: { in: next.flatMap(({ candidates }) => candidates) } },
    select: { id: true, sha256: true, width: true, height: true },
  });
  const imageOf = new Map(images.map((image) => [image.id, image]));
  return {
    items: next.map(({ shown }, i) => {
      const { imgId, prompt, body } = annotations[i]!;
      return { imgId, prompt, annotation: body, shown: shown.map((id) => imageOf.get(id)!) };
    }),
    judged: own.length,
    total: comparisonCount(sets, mode),
    lastVote: own.at(-1)?.id ?? null,
  };
}

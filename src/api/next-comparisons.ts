/** What a voter is asked next. */
import { scoredRun } from '../../pipelines/scored-run.ts';
import type { Annotation } from '../annotations/annotation.ts';
import { type Comparison, comparisons, type VoteMode } from '../preference/comparisons.ts';
import { hashSeed } from '../random.ts';
import { getAnnotations } from '../store/annotations.ts';
import type { Store } from '../store/client.ts';
import { candidateSets, comparisonCount, listVotes } from '../store/votes.ts';

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

/** How many comparisons a scored run has. */
export type CountComparisons = (runId: string, mode: VoteMode) => Promise<number>;

/** Counts each once: a scored run's candidates never change again, and 2.2 million take most of a second. */
export function countOnce(store: Store): CountComparisons {
  const counts = new Map<string, number>();
  return async (runId, mode) => {
    const key = `${runId} ${mode}`;
    const count = counts.get(key) ?? (await comparisonCount(store, runId, mode));
    counts.set(key, count);
    return count;
  };
}

/** Nothing of it tells a variant, slot or seed. Its errors are scoredRun's. */
export async function nextComparisons(
  store: Store,
  countComparisons: CountComparisons,
  runId: string,
  { voter, mode, limit }: { voter: string; mode: VoteMode; limit: number },
): Promise<NextComparisons> {
  await scoredRun(store, runId, mode === 'study' ? 'evaluated' : 'curated');
  const own = await listVotes(store, runId, { voter, mode });
  const answered = new Set(own.map(({ candidates }) => candidates.join()));
  const setsFrom = (annotationId: string) => candidateSets(store, runId, mode, annotationId);
  const next: Comparison[] = [];
  for await (const comparison of comparisons(setsFrom, mode, hashSeed('votes', runId), voter)) {
    if (!answered.has(comparison.candidates.join())) next.push(comparison);
    if (next.length === limit) break;
  }

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
    total: await countComparisons(runId, mode),
    lastVote: own.at(-1)?.id ?? null,
  };
}

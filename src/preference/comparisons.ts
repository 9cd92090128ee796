/**
 * What voters are asked, and in which order. Everything follows from the candidates and names, and nothing is stored:
 * whoever asks again before an answer is given gets the same question with the images in the same places.
 */
import { createRandom, hashSeed } from '../random.ts';
import { pairsIn } from './votes.ts';

/**
 * pair: which of two candidates is better; rank: all candidates of an annotation, three or more, best first; study: base against
 * tuned, of the same annotation and slot.
 */
export const VOTE_MODES = ['pair', 'rank', 'study'] as const;
export type VoteMode = (typeof VOTE_MODES)[number];

/** Candidates that are compared with each other, by id, in the order of variant and slot. */
export interface CandidateSet {
  annotationId: string;
  candidates: readonly string[];
}

export interface Comparison extends CandidateSet {
  /** The same candidates as they stand before the voter, from the left. */
  shown: readonly string[];
}

/** Candidate sets in the order of annotation ids, from the first one behind an id to the last, then those up to that id. */
export type SetsFrom = (annotationId: string) => AsyncIterable<CandidateSet>;

/**
 * All comparisons of a voter. Every set once, then, of pairs, every set again with another pair. Each round begins at an
 * id drawn by `seed`, that of all voters, so that their answers can be compared; ids are random (UUID version 4), so their
 * order is a random one, and no more of a large run is read than is asked. Where a candidate stands is drawn by voter
 * in blocks: of n successive comparisons of n candidates, each has the first, the second, ... at each place once.
 */
export async function* comparisons(
  setsFrom: SetsFrom,
  mode: VoteMode,
  seed: number,
  voter: string,
): AsyncGenerator<Comparison> {
  const place = placer(seed, voter);
  for (let round = 0, more = true; more; round++) {
    more = false;
    for await (const { annotationId, candidates } of setsFrom(beginOf(seed, round))) {
      const asked = mode === 'pair' ? pairOfRound(annotationId, candidates, seed, round) : candidates;
      if (asked) yield { annotationId, candidates: asked, shown: place(asked) };
      more ||= mode === 'pair' && asked !== undefined;
    }
  }
}

/** An id among those of annotations: its first 32 bits are drawn. */
const beginOf = (seed: number, round: number) =>
  `${hashSeed('vote-round', seed, round).toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`;

/**
 * In which mode somebody was asked about these candidates. Null where nobody is: of several annotations, of fewer than two,
 * or a base without its tuned one.
 */
export function askedMode(
  candidates: readonly { annotationId: string; variant: string; slot: number }[],
): VoteMode | null {
  const [first, ...rest] = candidates;
  if (!first || rest.length === 0) return null;
  if (rest.some(({ annotationId }) => annotationId !== first.annotationId)) return null;
  if (candidates.every(({ variant }) => variant === 'curated')) return rest.length === 1 ? 'pair' : 'rank';
  const variants = candidates.map(({ variant }) => variant).sort();
  return variants.join() === 'base,tuned' && rest[0]!.slot === first.slot ? 'study' : null;
}

function pairOfRound(annotationId: string, candidates: readonly string[], seed: number, round: number) {
  const random = createRandom(hashSeed('vote-pairs', seed, annotationId));
  return random.shuffle(pairsIn(candidates))[round];
}

/** Puts candidates into places, the same number of them in balanced blocks. */
function placer(seed: number, voter: string): (asked: readonly string[]) => string[] {
  const seen = new Map<number, number>();
  return (asked) => {
    const n = asked.length;
    const count = seen.get(n) ?? 0;
    seen.set(n, count + 1);
    const random = createRandom(hashSeed('vote-places', seed, voter, n, Math.floor(count / n)));
    const order = random.shuffle(Array.from({ length: n }, (_, i) => i));
    const turn = random.shuffle(order)[count % n]!;
    return order.map((_, i) => asked[order[(i + turn) % n]!]!);
  };
}

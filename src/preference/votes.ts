/**
 * What people say about candidates of an annotation, pair by pair. A voter has one voice about two candidates: their
 * vote on just these two, else what their ranking of more says. Two candidates are ordered by the majority; a voice
 * for neither counts half for each, so that the one with more voices is the better.
 */

/** One person's answer. */
export interface Vote {
  voter: string;
  /** Ids of those compared, two or more of one annotation, in the order of their slots. */
  candidates: readonly string[];
  /** All of them, best first; empty where none is better. */
  ranking: readonly string[];
}

/** What all voters say about two candidates. */
export interface Judgement {
  /** Ids, that of the lower slot first: kappa tells the two apart. */
  first: string;
  second: string;
  /** By voter: the id of the better one, or null for neither; in the order of the voters' names. */
  voices: ReadonlyMap<string, string | null>;
}

/** How often a pair's sides were preferred. */
export interface VoteCount {
  winner: number;
  loser: number;
  neither: number;
  /** Who agree with the pair, in the order of their names. */
  voters: readonly string[];
}

/** Every two candidates that somebody compared; the order of the votes does not matter. */
export function judgements(votes: readonly Vote[]): Judgement[] {
  const byPair = new Map<string, { first: string; second: string; voices: Map<string, string | null> }>();
  // Votes on two come last, and replace what a ranking said.
  for (const { voter, candidates, ranking } of votes.toSorted(
    (a, b) => b.candidates.length - a.candidates.length,
  )) {
    for (const [first, second] of pairsIn(candidates)) {
      const key = JSON.stringify([first, second]);
      const judged = byPair.get(key) ?? { first, second, voices: new Map() };
      const before = ranking.indexOf(first) < ranking.indexOf(second);
      judged.voices.set(voter, ranking.length === 0 ? null : before ? first : second);
      byPair.set(key, judged);
    }
  }
  return [...byPair.values()]
    .map((judged) => ({ ...judged, voices: new Map([...judged.voices].sort(byName)) }))
    .sort((a, b) => byName([a.first], [b.first]) || byName([a.second], [b.second]));
}

/** The better one by most voices; null where they are equal. */
export function betterOf({ first, second, voices }: Judgement): string | null {
  const firsts = voicesFor(voices, first).length;
  const seconds = voicesFor(voices, second).length;
  return firsts === seconds ? null : firsts > seconds ? first : second;
}

/** @param better what betterOf says; of a tie those agree who preferred neither */
export function countVotes({ voices }: Judgement, winner: string, loser: string, tie: boolean): VoteCount {
  return {
    winner: voicesFor(voices, winner).length,
    loser: voicesFor(voices, loser).length,
    neither: voicesFor(voices, null).length,
    voters: voicesFor(voices, tie ? null : winner),
  };
}

export function pairsIn<T>(items: readonly T[]): (readonly [T, T])[] {
  return items.flatMap((a, i) => items.slice(i + 1).map((b) => [a, b] as const));
}

const voicesFor = (voices: Judgement['voices'], better: string | null): string[] =>
  [...voices].flatMap(([voter, one]) => (one === better ? [voter] : []));

const byName = ([a]: readonly [string, ...unknown[]], [b]: readonly [string, ...unknown[]]) =>
  a < b ? -1 : a > b ? 1 : 0;

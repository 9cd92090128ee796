/**
 * Winner and loser pairs out of scored candidates. A pair is a view of rewards and votes: nothing here is stored,
 * so another policy or margin costs nothing. Where people voted on two candidates, their order is the pair's; the
 * rewards stay beside it.
 */
import { createRandom, hashSeed } from '../random.ts';
import {
  betterOf,
  countVotes,
  type Judgement,
  judgements,
  pairsIn,
  type Vote,
  type VoteCount,
} from './votes.ts';

export const PAIR_POLICIES = ['all', 'best-worst', 'best-rest'] as const;
export type PairPolicy = (typeof PAIR_POLICIES)[number];
export const TIE_RULES = ['drop', 'keep'] as const;
export type TieRule = (typeof TIE_RULES)[number];

export interface PairSettings {
  /** all: every unordered pair; best-worst: one a set; best-rest: the best against each other one. */
  policy: PairPolicy;
  /** Rewards that differ by this much or less are a tie. */
  margin: number;
  /** drop: ties make no pair; keep: they do, the earlier slot as winner, marked as a tie. */
  ties: TieRule;
}

export const DEFAULT_PAIRS: PairSettings = { policy: 'all', margin: 0.05, ties: 'drop' };

/** A candidate as pairing sees it. */
export interface RewardedCandidate {
  id: string;
  annotationId: string;
  slot: number;
  reward: number;
  /** Metric values by name; the dominance rule compares them one by one. */
  metrics?: Record<string, number>;
}

export interface Pair {
  annotationId: string;
  winner: string;
  loser: string;
  winnerReward: number;
  loserReward: number;
  /** winnerReward - loserReward; below 0 only where people preferred the one of lower reward. */
  margin: number;
  policy: PairPolicy;
  tie: boolean;
  /** Null where nobody voted on the two: the rewards decided. */
  votes: VoteCount | null;
}

/** A candidate whose reward may be missing. */
export type MaybeRewarded = Omit<RewardedCandidate, 'reward'> & { reward: number | null };

const isRewarded = (candidate: MaybeRewarded): candidate is RewardedCandidate => candidate.reward !== null;

/**
 * All pairs of all annotations, in the order of annotation id and slot; without a reward there is no pair. With
 * `dominance`, a pair by rewards counts only if the winner is at least as good on every metric and better on one.
 * People's order of two needs neither that nor the margin; where they find neither better, the two are a tie. Votes on
 * other candidates have no say.
 */
export function formPairs(
  candidates: readonly MaybeRewarded[],
  settings: PairSettings,
  dominance = false,
  votes: readonly Vote[] = [],
): Pair[] {
  const sets = new Map<string, RewardedCandidate[]>();
  for (const candidate of candidates.filter(isRewarded)) {
    const set = sets.get(candidate.annotationId) ?? [];
    set.push(candidate);
    sets.set(candidate.annotationId, set);
  }
  const judged = judgementLookup(votes);
  return [...sets]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, set]) => pairsOfSet(set, settings, dominance, judged));
}

type Lookup = (a: RewardedCandidate, b: RewardedCandidate) => Judgement | undefined;

function judgementLookup(votes: readonly Vote[]): Lookup {
  const key = (a: string, b: string) => JSON.stringify(a < b ? [a, b] : [b, a]);
  const known = new Map(judgements(votes).map((one) => [key(one.first, one.second), one]));
  return (a, b) => (known.size === 0 ? undefined : known.get(key(a.id, b.id)));
}

function pairsOfSet(
  set: RewardedCandidate[],
  { policy, margin, ties }: PairSettings,
  dominance: boolean,
  judged: Lookup,
): Pair[] {
  const bySlot = [...set].sort((a, b) => a.slot - b.slot);
  const pairs: Pair[] = [];
  for (const [a, b] of matches(bySlot, policy, judged)) {
    const judgement = judged(a, b);
    const better = judgement ? betterOf(judgement) : (aheadByReward(a, b)?.id ?? null);
    const [winner, loser] = better === b.id ? [b, a] : [a, b];
    const difference = winner.reward - loser.reward;
    const tie = judgement ? better === null : difference <= margin;
    if (tie && ties === 'drop') continue;
    if (!judgement && dominance && !dominates(winner, loser)) continue;
    pairs.push({
      annotationId: winner.annotationId,
      winner: winner.id,
      loser: loser.id,
      winnerReward: winner.reward,
      loserReward: loser.reward,
      margin: difference,
      policy,
      tie,
      votes: judgement ? countVotes(judgement, winner.id, loser.id, tie) : null,
    });
  }
  return pairs;
}

const aheadByReward = (a: RewardedCandidate, b: RewardedCandidate) =>
  a.reward === b.reward ? null : a.reward > b.reward ? a : b;

/** Who is compared with whom. Equal ones count in slot order, so the result never depends on luck. */
function matches(
  bySlot: RewardedCandidate[],
  policy: PairPolicy,
  judged: Lookup,
): (readonly [RewardedCandidate, RewardedCandidate])[] {
  if (bySlot.length < 2) return [];
  if (policy === 'all') return pairsIn(bySlot);
  const [best, ...rest] = ranked(bySlot, judged) as [RewardedCandidate, ...RewardedCandidate[]];
  return policy === 'best-worst' ? [[best, rest.at(-1)!]] : rest.map((other) => [best, other] as const);
}

/**
 * Best first: by how many others each beats (Copeland, 1951), by votes where there are any and by reward where not, then
 * by reward. Without votes that is the order of the rewards, and with a vote on every pair it is people's alone.
 */
function ranked(bySlot: RewardedCandidate[], judged: Lookup): RewardedCandidate[] {
  const wins = new Map(bySlot.map(({ id }) => [id, 0]));
  for (const [a, b] of pairsIn(bySlot)) {
    const judgement = judged(a, b);
    const better = judgement ? betterOf(judgement) : (aheadByReward(a, b)?.id ?? null);
    for (const { id } of [a, b]) {
      wins.set(id, wins.get(id)! + (better === null ? 0.5 : better === id ? 1 : 0));
    }
  }
  return bySlot.toSorted(
    (a, b) => wins.get(b.id)! - wins.get(a.id)! || b.reward - a.reward || a.slot - b.slot,
  );
}

function dominates(winner: RewardedCandidate, loser: RewardedCandidate): boolean {
  const names = Object.keys(winner.metrics ?? {}).filter((name) => loser.metrics?.[name] !== undefined);
  const differences = names.map((name) => winner.metrics![name]! - loser.metrics![name]!);
  return differences.every((d) => d >= 0) && differences.some((d) => d > 0);
}

/**
 * Pair indices in training order: every epoch is a seeded shuffle of all pairs. The batch at a cursor is a
 * function of (seed, cursor), so a resumed run sees what the undisturbed one would have seen.
 */
export function pairBatch(count: number, batch: number, seed: number, cursor: number): number[] {
  const orders = new Map<number, number[]>();
  const order = (epoch: number) => {
    const known = orders.get(epoch);
    if (known) return known;
    const indices = Array.from({ length: count }, (_, i) => i);
    const shuffled = createRandom(hashSeed('pair-order', seed, epoch)).shuffle(indices);
    orders.set(epoch, shuffled);
    return shuffled;
  };
  return Array.from({ length: batch }, (_, i) => {
    const at = cursor * batch + i;
    return order(Math.floor(at / count))[at % count]!;
  });
}

/** Ids of the candidates that some pair is made of. */
export const pairedCandidates = (pairs: readonly Pair[]): Set<string> =>
  new Set(pairs.flatMap(({ winner, loser }) => [winner, loser]));

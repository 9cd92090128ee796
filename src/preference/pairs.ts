/**
 * Winner and loser pairs out of scored candidates. A pair is a view of the rewards: nothing here is stored,
 * so another policy or margin costs nothing.
 */
import { createRandom, hashSeed } from '../random.ts';

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
  /** winnerReward - loserReward, 0 or more. */
  margin: number;
  policy: PairPolicy;
  tie: boolean;
}

/** A candidate whose reward may be missing. */
export type MaybeRewarded = Omit<RewardedCandidate, 'reward'> & { reward: number | null };

const isRewarded = (candidate: MaybeRewarded): candidate is RewardedCandidate => candidate.reward !== null;

/**
 * All pairs of all annotations, in the order of annotation id and slot; without a reward there is no pair. With `dominance`, a pair counts only if
 * the winner is at least as good on every metric and better on one.
 */
export function formPairs(
  candidates: readonly MaybeRewarded[],
  settings: PairSettings,
  dominance = false,
): Pair[] {
  const sets = new Map<string, RewardedCandidate[]>();
  for (const candidate of candidates.filter(isRewarded)) {
    const set = sets.get(candidate.annotationId) ?? [];
    set.push(candidate);
    sets.set(candidate.annotationId, set);
  }
  return [...sets]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, set]) => pairsOfSet(set, settings, dominance));
}

function pairsOfSet(
  set: RewardedCandidate[],
  { policy, margin, ties }: PairSettings,
  dominance: boolean,
): Pair[] {
  const bySlot = [...set].sort((a, b) => a.slot - b.slot);
  const pairs: Pair[] = [];
  for (const [a, b] of matches(bySlot, policy)) {
    const [winner, loser] = b.reward > a.reward ? [b, a] : [a, b];
    const difference = winner.reward - loser.reward;
    const tie = difference <= margin;
    if (tie && ties === 'drop') continue;
    if (dominance && !dominates(winner, loser)) continue;
    pairs.push({
      annotationId: winner.annotationId,
      winner: winner.id,
      loser: loser.id,
      winnerReward: winner.reward,
      loserReward: loser.reward,
      margin: difference,
      policy,
      tie,
    });
  }
  return pairs;
}

/** Who is compared with whom. Equal rewards count in slot order, so the result never depends on luck. */
function matches(
  set: RewardedCandidate[],
  policy: PairPolicy,
): (readonly [RewardedCandidate, RewardedCandidate])[] {
  if (set.length < 2) return [];
  if (policy === 'all') return set.flatMap((a, i) => set.slice(i + 1).map((b) => [a, b] as const));
  const ranked = [...set].sort((a, b) => b.reward - a.reward || a.slot - b.slot);
  const [best, ...rest] = ranked as [RewardedCandidate, ...RewardedCandidate[]];
  return policy === 'best-worst' ? [[best, rest.at(-1)!]] : rest.map((other) => [best, other] as const);
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

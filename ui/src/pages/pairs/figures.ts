/** What a policy makes of a run: its pairs and their figures. Pure, and quick enough to follow a slider. */
import {
  formPairs,
  type MaybeRewarded,
  type Pair,
  type PairSettings,
} from '../../../../src/preference/pairs.ts';
import { betterOf, judgements, type Vote } from '../../../../src/preference/votes.ts';
import { type RewardScales, type RewardSettings, rewardOn } from '../../../../src/scoring/reward.ts';
import type { RunItem } from '../../api/client.ts';

export interface Figures {
  pairs: Pair[];
  /** Annotations that have a pair. */
  annotations: number;
  /** Pairs that another margin or tie rule could still make: the most that the pair policy allows. */
  possible: number;
  meanMargin: number;
  /** Rewards of all candidates that have one. */
  rewards: number[];
  people: Agreement;
}

/** The policy beside what people said. */
export interface Agreement {
  /** Pairs of candidates of which people prefer one. */
  decided: number;
  /** Those of them that the policy alone tells apart. */
  toldApart: number;
  /** Of these, those with the same winner. */
  same: number;
}

export function figuresOf(
  items: readonly RunItem[],
  reward: RewardSettings,
  scales: RewardScales,
  settings: PairSettings,
  votes: readonly Vote[],
): Figures {
  const rewardOf = rewardOn(reward, scales);
  const candidates = items.flatMap(({ imgId, candidates: own }) =>
    own.map(({ id, slot, scores }) => ({
      id,
      annotationId: imgId,
      slot,
      reward: rewardOf(scores),
      metrics: scores,
    })),
  );
  const dominance = reward.policy === 'dominance';
  const pairs = formPairs(candidates, settings, dominance, votes);
  const possible = formPairs(candidates, { ...settings, ties: 'keep' }, false, votes).length;
  return {
    pairs,
    annotations: new Set(pairs.map(({ annotationId }) => annotationId)).size,
    possible,
    meanMargin: pairs.reduce((sum, { margin }) => sum + margin, 0) / Math.max(1, pairs.length),
    rewards: candidates.flatMap(({ reward: value }) => value ?? []),
    people: agreement(candidates, settings.margin, dominance, votes),
  };
}

function agreement(
  candidates: readonly MaybeRewarded[],
  margin: number,
  dominance: boolean,
  votes: readonly Vote[],
): Agreement {
  const decided = judgements(votes).flatMap((one) => {
    const better = betterOf(one);
    return better === null ? [] : [{ ...one, better }];
  });
  const voted = new Set(decided.flatMap(({ first, second }) => [first, second]));
  const machine = formPairs(
    candidates.filter(({ id }) => voted.has(id)),
    { policy: 'all', margin, ties: 'drop' },
    dominance,
  );
  const winners = new Map(machine.map(({ winner, loser }) => [[winner, loser].sort().join(), winner]));
  const told = decided.flatMap(({ first, second, better }) => {
    const winner = winners.get([first, second].sort().join());
    return winner === undefined ? [] : [winner === better];
  });
  return { decided: decided.length, toldApart: told.length, same: told.filter(Boolean).length };
}

export interface Bins {
  /** Left edge of the first and right edge of the last. */
  from: number;
  to: number;
  counts: number[];
}

/** Equal bins over the values' own range, or a given one. */
export function binned(values: readonly number[], count: number, range?: [number, number]): Bins {
  let [from, to] = range ?? [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  if (!range) {
    for (const value of values) {
      from = Math.min(from, value);
      to = Math.max(to, value);
    }
  }
  if (!(to > from)) [from, to] = Number.isFinite(from) ? [from - 0.5, from + 0.5] : [0, 1];
  const counts = new Array<number>(count).fill(0);
  for (const value of values) {
    const bin = Math.floor(((value - from) / (to - from)) * count);
    counts[Math.max(0, Math.min(count - 1, bin))]!++;
  }
  return { from, to, counts };
}

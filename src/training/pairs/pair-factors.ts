/** What the rewards of a pair, and the votes on it, say beyond which of its two images is the better one. */
import type { Pair } from '../../preference/pairs.ts';
import type { VoteCount } from '../../preference/votes.ts';
import { softLabels } from '../objectives/smpo.ts';
import type { TrainSettings } from '../settings.ts';

export interface PairFactors {
  /** Of the pair's loss; 1 on average over all pairs, and for each that people decided. */
  weight: number;
  /** Probability that the winner is the better one. */
  probability: number;
}

/** Of all pairs of a run, in their order. Where people voted, rewards have no say. */
export function pairFactors(
  { rewardWeighted }: Pick<TrainSettings, 'rewardWeighted'>,
  pairs: readonly Pair[],
): PairFactors[] {
  const byReward = pairs.filter(({ votes }) => votes === null);
  const meanMargin = byReward.reduce((sum, { margin }) => sum + margin, 0) / byReward.length;
  const probabilities = softLabels(pairs);
  return pairs.map(({ margin, votes }, i) => ({
    weight: rewardWeighted && votes === null ? margin / meanMargin : 1,
    probability: votes ? shareOfVotes(votes) : probabilities[i]!,
  }));
}

/** For the winner; voices for neither count half. */
const shareOfVotes = ({ winner, loser, neither }: VoteCount) =>
  (winner + neither / 2) / (winner + loser + neither);

/** What the rewards of a pair say beyond which of its two images is the better one. */
import type { Pair } from '../preference/pairs.ts';
import { softLabels } from './objectives/smpo.ts';
import type { TrainSettings } from './settings.ts';

export interface PairFactors {
  /** Of the pair's loss; 1 on average over all pairs. */
  weight: number;
  /** Probability that the winner is the better one. */
  probability: number;
}

/** Of all pairs of a run, in their order. */
export function pairFactors(
  { rewardWeighted }: Pick<TrainSettings, 'rewardWeighted'>,
  pairs: readonly Pair[],
): PairFactors[] {
  const meanMargin = pairs.reduce((sum, { margin }) => sum + margin, 0) / pairs.length;
  const probabilities = softLabels(pairs);
  return pairs.map(({ margin }, i) => ({
    weight: rewardWeighted ? margin / meanMargin : 1,
    probability: probabilities[i]!,
  }));
}

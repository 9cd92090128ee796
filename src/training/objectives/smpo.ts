import type { Tensor } from '../../engine/engine.ts';
import { diffusionDpoLoss } from './diffusion-dpo.ts';
import type { PairLoss, TargetedSide } from './pair-loss.ts';

/**
 * SmPO: soft labels instead of "better" and "worse" (Lu et al., ICML 2025; JaydenLyh/SmPO: train.py). With p the
 * probability that the winner is better and the four terms as in Diffusion-DPO,
 *   inside = -0.5 beta 10 (2p - 1) mean_k [ (mse_policy - mse_reference)_winner - (same)_loser ]
 *   loss   = -log sigmoid(inside)
 * States and targets are those of policy-inversion.ts with ReNoise. The release takes p of a batch's first pair for all
 * of them; here each pair has its own. Sides are [R, ...], R a multiple of the pairs; probabilities [B].
 */
export function smpoLoss(
  winner: TargetedSide,
  loser: TargetedSide,
  { beta, probabilities }: { beta: number; probabilities: Tensor },
): PairLoss {
  const sharpness = probabilities
    .mul(2)
    .sub(1)
    .mul(10 * beta);
  return diffusionDpoLoss(winner, loser, { beta: sharpness, pairs: probabilities.size });
}

/**
 * p of each pair: softmax over its two rewards, scaled so that the least reward of all pairs is 0 and the greatest 1 (the
 * release scales PickScores by the extremes of its data). 0.5 where all rewards are equal.
 */
export function softLabels(pairs: readonly { winnerReward: number; loserReward: number }[]): number[] {
  const lesser = pairs.map(({ winnerReward, loserReward }) => Math.min(winnerReward, loserReward));
  const greater = pairs.map(({ winnerReward, loserReward }) => Math.max(winnerReward, loserReward));
  const least = lesser.reduce((x, reward) => Math.min(x, reward), Number.POSITIVE_INFINITY);
  const greatest = greater.reduce((x, reward) => Math.max(x, reward), Number.NEGATIVE_INFINITY);
  return pairs.map(({ winnerReward, loserReward }) => {
    const margin = winnerReward - loserReward;
    return margin === 0 ? 0.5 : 1 / (1 + Math.exp(-margin / (greatest - least)));
  });
}

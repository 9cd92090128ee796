/** The settings' objective as one number for a batch of pairs, given the two models' predictions. */
import type { Tensor, Tf } from '../engine/engine.ts';
import { OBJECTIVE, type SideRows } from './objective.ts';
import type { PairLoss } from './objectives/pair-loss.ts';
import type { PairFactors } from './pair-factors.ts';
import type { PairTrainSettings } from './settings.ts';

export interface BatchLoss extends Omit<PairLoss, 'losses'> {
  /** Scalar: the mean of the pairs' losses, each by its weight. */
  loss: Tensor;
}

/** @param rowWeights of the timesteps, one a row */
export function preferenceLoss(
  tf: Tf,
  settings: Pick<PairTrainSettings, 'objective' | 'form' | 'beta'>,
  rowWeights: readonly number[],
  factors: readonly PairFactors[],
  winner: SideRows,
  loser: SideRows,
): BatchLoss {
  const { losses, ...curves } = OBJECTIVE[settings.objective].loss(winner, loser, {
    ...{ tf, settings, pairs: factors.length },
    rowWeights: tf.tensor1d([...rowWeights]),
    probabilities: tf.tensor1d(factors.map(({ probability }) => probability)),
  });
  const weights = tf.tensor1d(factors.map(({ weight }) => weight));
  return { ...curves, loss: losses.mul(weights.tile([losses.size / factors.length])).mean() };
}

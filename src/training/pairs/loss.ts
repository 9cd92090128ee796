/** The settings' objective as one number for a batch of pairs, given the two models' predictions. */
import type { Tensor, Tf } from '../../engine/engine.ts';
import type { PairLoss } from '../objectives/pair-loss.ts';
import type { PairTrainSettings } from '../settings.ts';
import { OBJECTIVE, type SideRows } from './objective.ts';
import type { PairFactors } from './pair-factors.ts';

export interface BatchLoss extends Omit<PairLoss, 'losses'> {
  /** Scalar: the mean of the pairs' losses, each by its weight. */
  loss: Tensor;
}

/** What a pair's rows count, as tensors: R rows of B pairs. */
export type LossWeights = {
  /** Of the timesteps, [R]. */
  rows: Tensor;
  /** Of the pairs, [B]. */
  pairs: Tensor;
  /** Probability that the winner of a pair is the better one, [B]. */
  probabilities: Tensor;
};

export function lossWeights(tf: Tf, rows: readonly number[], factors: readonly PairFactors[]): LossWeights {
  return {
    rows: tf.tensor1d([...rows]),
    pairs: tf.tensor1d(factors.map(({ weight }) => weight)),
    probabilities: tf.tensor1d(factors.map(({ probability }) => probability)),
  };
}

export function preferenceLoss(
  tf: Tf,
  settings: Pick<PairTrainSettings, 'objective' | 'form' | 'beta'>,
  { rows, pairs, probabilities }: LossWeights,
  winner: SideRows,
  loser: SideRows,
): BatchLoss {
  const { losses, ...curves } = OBJECTIVE[settings.objective].loss(winner, loser, {
    ...{ tf, settings, pairs: pairs.size },
    ...{ rowWeights: rows, probabilities },
  });
  return { ...curves, loss: losses.mul(tf.tile(pairs, [losses.size / pairs.size])).mean() };
}

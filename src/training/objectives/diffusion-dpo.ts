import type { Tensor } from '../../engine/engine.ts';
import { errorChange, logSigmoidLoss, meanPerPair, type PairLoss, type TargetedSide } from './pair-loss.ts';

/**
 * The four-term preference loss
 *   inside = -0.5 beta mean_k w_k [ (mse_policy - mse_reference)_winner - (same)_loser ],  loss = -log sigmoid(inside)
 * with the noise that made each state as target. With one random noise and timestep for both sides, and no weights, it
 * is Diffusion-DPO (Wallace et al., arXiv 2311.12908; SalesforceAIResearch/DiffusionDPO). The inversion forms with a
 * target, InPO and SmPO use it too: they differ in where states and targets come from.
 * Sides are [R, ...] with R a multiple of `pairs`. Beta is a number, or [B]; weights are [R], left out 1. The sides'
 * errors are unweighted.
 */
export function diffusionDpoLoss(
  winner: TargetedSide,
  loser: TargetedSide,
  { beta, pairs, weights }: { beta: number | Tensor; pairs: number; weights?: Tensor },
): PairLoss {
  const changes = [errorChange(winner), errorChange(loser)] as const;
  const [winnerError, loserError] = changes.map((rows) => meanPerPair(rows, pairs)) as [Tensor, Tensor];
  const scale = typeof beta === 'number' ? -0.5 * beta : beta.mul(-0.5);
  if (!weights) return logSigmoidLoss(winnerError, loserError, scale);
  const [winnerTerm, loserTerm] = changes.map((rows) => meanPerPair(rows.mul(weights), pairs)) as [
    Tensor,
    Tensor,
  ];
  return { ...logSigmoidLoss(winnerTerm, loserTerm, scale), winnerError, loserError };
}

import { errorChange, logSigmoidLoss, meanPerPair, type PairLoss, type TargetedSide } from './pair-loss.ts';

/**
 * The four-term preference loss
 *   inside = -0.5 beta mean_k [ (mse_policy - mse_reference)_winner - (same)_loser ],  loss = -log sigmoid(inside)
 * with the noise that made each state as target. With one random noise and timestep for both sides it is
 * Diffusion-DPO (Wallace et al., arXiv 2311.12908; SalesforceAIResearch/DiffusionDPO). The inversion forms
 * with a target use it too: they differ in where states and targets come from.
 * Sides are [R, ...] with R a multiple of `pairs`.
 */
export function diffusionDpoLoss(
  winner: TargetedSide,
  loser: TargetedSide,
  { beta, pairs }: { beta: number; pairs: number },
): PairLoss {
  const winnerError = meanPerPair(errorChange(winner), pairs);
  const loserError = meanPerPair(errorChange(loser), pairs);
  return logSigmoidLoss(winnerError, loserError, -0.5 * beta);
}

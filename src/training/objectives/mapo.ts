import type { Tensor } from '../../engine/engine.ts';
import { errors, logSigmoidLoss, type PairLoss, type Prediction } from './pair-loss.ts';

/** T of the odds ratio: the training timesteps. */
const TIMESTEPS = 1000;

/**
 * MaPO, a margin without a reference (Hong et al., arXiv 2406.06424; mapo-t2i/mapo: utils.py). With m the mean
 * square error of a row, s the signal-to-noise constant (0.5 in the release),
 *   phi(m) = s m / (exp(s m) - 1),  inside = 1000 (phi(m_winner) - phi(m_loser))
 *   loss = m_winner - beta log sigmoid(inside)
 * Rows [B, ...], one timestep per pair. The errors returned are m itself.
 */
export function mapoLoss(
  winner: Prediction,
  loser: Prediction,
  { beta, snr }: { beta: number; snr: number },
): PairLoss {
  const [winnerError, loserError] = [errors(winner), errors(loser)];
  const phi = (m: Tensor): Tensor => m.mul(snr).div(m.mul(snr).expm1());
  const { losses, inside } = logSigmoidLoss(phi(winnerError), phi(loserError), TIMESTEPS);
  return { losses: winnerError.add(losses.mul(beta)), inside, winnerError, loserError };
}

import type { Tensor } from '../../engine/engine.ts';

/** Of a ratio around 1, as released. */
export const D3PO_CLIP = 0.1;

export interface D3poLoss {
  /** [R]. */
  losses: Tensor;
  /** [R]: the argument of the log-sigmoid; positive where the policy prefers the winner's step. */
  inside: Tensor;
}

/**
 * D3PO: DPO on single steps of sampling (Yang et al., arXiv 2311.13231; yk7333/d3po: train_d3po.py). Of two trajectories
 * drawn from one prompt and one starting noise the image with the greater reward wins, and all its steps with it. With
 * r = p_policy(x_(t-1) | x_t) / p_reference(same), held within 1 +- 0.1,
 *   inside = beta (log r_winner - log r_loser),  loss = -log sigmoid(inside)
 * Where neither is better the release has both signs 0: `preference` is 1, or 0 there. Log densities are means over the
 * values of a state (step-density.ts). All arguments are [R].
 */
export function d3poLoss(
  winnerLogRatio: Tensor,
  loserLogRatio: Tensor,
  preference: Tensor,
  { beta }: { beta: number },
): D3poLoss {
  // log clip(r) = clip(log r)
  const held = (logRatio: Tensor) => logRatio.clipByValue(Math.log(1 - D3PO_CLIP), Math.log(1 + D3PO_CLIP));
  const inside = held(winnerLogRatio).sub(held(loserLogRatio)).mul(beta).mul(preference) as Tensor;
  return { losses: inside.neg().softplus(), inside };
}

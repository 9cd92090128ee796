import type { Tensor, Tf } from '../../engine/engine.ts';

/** Advantages beyond it are cut off, as released. */
const MOST_ADVANTAGE = 5;
/** Of the ratio around 1, as released. */
export const DDPO_CLIP = 1e-4;

/**
 * DDPO with importance sampling (Black et al., arXiv 2305.13301; kvablack/ddpo-pytorch: train.py): PPO's clipped loss of
 * single steps of sampling. With r = p_policy(x_(t-1) | x_t) / p_sampler(same), the sampler being the policy that drew the
 * trajectory, and A the advantage of its image within +-5,
 *   loss = max(-A r, -A clip(r, 1 - 1e-4, 1 + 1e-4))
 * As released, log densities are means over the values of a state (step-density.ts). Both arguments are [R]; [R].
 */
export function ddpoLoss(tf: Tf, logRatio: Tensor, advantage: Tensor): Tensor {
  const cost = advantage.clipByValue(-MOST_ADVANTAGE, MOST_ADVANTAGE).neg();
  const ratio = logRatio.exp();
  return tf.maximum(ratio.mul(cost), ratio.clipByValue(1 - DDPO_CLIP, 1 + DDPO_CLIP).mul(cost));
}

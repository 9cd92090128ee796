import type { Tensor, Tf } from '../../engine/engine.ts';
import { errorChange, type TargetedSide } from './pair-loss.ts';

/**
 * Diffusion-KTO: single images that are wanted or not, no pairs (Li et al., arXiv 2404.04465;
 * jacklishufan/diffusion-kto: train_kto_sd_v1.5.py, both kinds weighted 1). With m the mean square error of a row,
 *   g = m_reference - m_policy,  kl = max(0, mean g), a constant
 *   loss = 1 - sigmoid(beta s (g - kl)),  s = 1 where wanted, -1 where not
 * Rows [R, ...] of both kinds together; [R].
 */
export function ktoLoss(
  tf: Tf,
  images: TargetedSide,
  wanted: readonly boolean[],
  { beta }: { beta: number },
): Tensor {
  const g = errorChange(images).neg() as Tensor;
  const kl = withoutGradient(tf, g).mean().relu();
  const sign = tf.tensor1d(wanted.map((is) => (is ? 1 : -1)));
  // 1 - sigmoid(x) = sigmoid(-x)
  return g.sub(kl).mul(sign).mul(-beta).sigmoid();
}

function withoutGradient(tf: Tf, x: Tensor): Tensor {
  const operation = tf.customGrad((x) => ({
    value: (x as Tensor).clone(),
    gradFunc: (dy: Tensor) => tf.zerosLike(dy),
  }));
  return operation(x);
}

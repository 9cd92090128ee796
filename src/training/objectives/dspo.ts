import { diffusionDpoLoss } from './diffusion-dpo.ts';
import { meanPerRow, type PairLoss, type TargetedSide } from './pair-loss.ts';

/**
 * DSPO: the winner's score matching with a preference term in its target (Zhu et al., ICLR 2025;
 * huaishengzhu/DSPO: train.py, the SD1.5 branch). With inside as in Diffusion-DPO,
 *   loss = mean [ (policy - target) - beta (1 - sigmoid(inside)) (policy - reference) ]^2   over the winners.
 * The gradient flows through sigmoid(inside) too. Rows [B, ...], one timestep per pair.
 */
export function dspoLoss(winner: TargetedSide, loser: TargetedSide, { beta }: { beta: number }): PairLoss {
  const { policy, reference, target } = winner;
  const pairs = policy.shape[0]!;
  const preference = diffusionDpoLoss(winner, loser, { beta, pairs });
  const pull = preference.inside
    .neg()
    .sigmoid()
    .mul(beta)
    .reshape([pairs, ...policy.shape.slice(1).map(() => 1)]);
  const residual = policy.sub(target).sub(policy.sub(reference).mul(pull));
  return { ...preference, losses: meanPerRow(residual.square()) };
}

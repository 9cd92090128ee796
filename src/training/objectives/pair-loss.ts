/**
 * What the preference objectives have in common. Predictions are noise predictions; rows are grouped as
 * R = K * B: K timesteps for each of B pairs, row k * B + b belonging to pair b. K is 1 where one timestep is
 * sampled per pair, and the number of trajectory steps where the whole trajectory enters.
 */
import type { Tensor } from '../../engine/engine.ts';

/** One side of a batch of pairs. Everything but `policy` is a constant. */
export interface Side {
  /** Policy's prediction [R, ...]; the gradient flows through it. */
  policy: Tensor;
  /** Reference's prediction [R, ...] at the same states and timesteps. */
  reference: Tensor;
}

/** The policy's prediction [R, ...] beside the noise that it should be. */
export interface Prediction {
  policy: Tensor;
  target: Tensor;
}

/** A side whose predictions are compared with a target noise [R, ...]. */
export interface TargetedSide extends Side, Prediction {}

export interface PairLoss {
  /** [B]: of each pair. */
  losses: Tensor;
  /** [B]: the argument of the log-sigmoid; positive where the pair counts as ordered rightly. */
  inside: Tensor;
  /** [B]: how much further the policy is from the winner's target than the reference (mean square). */
  winnerError: Tensor;
  /** [B]: the same for the loser. Healthy training has it larger than the winner's. */
  loserError: Tensor;
}

/** mse(policy, target) per row, [R]. */
export function errors({ policy, target }: Prediction): Tensor {
  return meanPerRow(policy.sub(target).square());
}

/**
 * mse(policy, target) - mse(reference, target) per row, [R]. Written as mean((p - r)(p + r - 2 target)):
 * equal in algebra, without the cancellation of two nearly equal means, and exactly 0 where p = r.
 */
export function errorChange({ policy, reference, target }: TargetedSide): Tensor {
  return meanPerRow(policy.sub(reference).mul(policy.add(reference).sub(target.mul(2))));
}

/** mse(policy, reference) per row, [R]. */
export function distance({ policy, reference }: Side): Tensor {
  return meanPerRow(policy.sub(reference).square());
}

/** [R] -> [B]: the mean over the K timesteps of each pair. */
export function meanPerPair(rows: Tensor, pairs: number): Tensor {
  return rows.reshape([-1, pairs]).mean(0);
}

/** -log sigmoid(scale * (winner - loser)) of each pair; errors are [B], the scale a number or [B]. */
export function logSigmoidLoss(winnerError: Tensor, loserError: Tensor, scale: number | Tensor): PairLoss {
  const inside = winnerError.sub(loserError).mul(scale);
  return { losses: inside.neg().softplus(), inside, winnerError, loserError };
}

/** [R, ...] -> [R]. */
export function meanPerRow(x: Tensor): Tensor {
  return x.mean(x.shape.map((_, axis) => axis).slice(1));
}

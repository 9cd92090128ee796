/**
 * Inversion-DPO: preference losses on the states of each candidate's DDIM inversion under the reference.
 *
 * shared-noise  (default) the inversion noise of one side, drawn at random, is put on both images and is the
 *               target of the four-term loss: the noise that leads to the loser should lead to the winner
 * transition    exact log-ratio of the DDIM step over `stride` grid points; target = the noise of that step
 * endpoint      the transition from a state straight to the clean image
 * published     sign and weights of the released code: both models at the state before each inversion step,
 *               +0.5 beta w ||policy - reference||^2, w = 1 / (2 alphaBar). Loss ln 2 and gradient exactly
 *               zero while policy and reference are equal
 * negated       the same with the other sign, and the same saddle
 *
 * Notation: aBar_t the cumulative product of (1 - beta), x_t a state at level t, x_0 the image.
 * States are [R, ...]; levels one number per row.
 */
import type { Tensor, Tf } from '../../engine/engine.ts';
import { distance, logSigmoidLoss, meanPerPair, type PairLoss, type Side } from './pair-loss.ts';

export const INVERSION_FORMS = ['shared-noise', 'published', 'negated', 'transition', 'endpoint'] as const;
export type InversionForm = (typeof INVERSION_FORMS)[number];
export const TIMESTEP_WEIGHTS = ['none', 'one-over-2-alpha-bar', 'b-over-a-squared'] as const;
export type TimestepWeights = (typeof TIMESTEP_WEIGHTS)[number];

/** The forms that compare the two models with each other, without a target. */
export const isTargetless = (form: InversionForm): boolean => form === 'published' || form === 'negated';

/**
 * The noise that carries x_t to x_s by one DDIM step, exactly:
 *   e* = (x_s - a x_t) / b,  a = sqrt(aBar_s / aBar_t),  b = sqrt(1 - aBar_s) - a sqrt(1 - aBar_t).
 * Levels must differ. With aBar_s = 1 and x_s = x_0 it is (x_t - sqrt(aBar_t) x_0) / sqrt(1 - aBar_t).
 */
export function transitionNoise(
  tf: Tf,
  xt: Tensor,
  xs: Tensor,
  alphaBarT: readonly number[],
  alphaBarS: readonly number[],
): Tensor {
  const a = alphaBarT.map((t, row) => Math.sqrt(alphaBarS[row]! / t));
  const b = alphaBarT.map((t, row) => Math.sqrt(1 - alphaBarS[row]!) - a[row]! * Math.sqrt(1 - t));
  return xs.sub(xt.mul(perRow(tf, a, xt))).div(perRow(tf, b, xt));
}

/** (x_t - sqrt(aBar_t) x_0) / sqrt(1 - aBar_t): the noise that an inversion state holds. */
export function endpointNoise(tf: Tf, xt: Tensor, x0: Tensor, alphaBar: readonly number[]): Tensor {
  return transitionNoise(
    tf,
    xt,
    x0,
    alphaBar,
    alphaBar.map(() => 1),
  );
}

/** sqrt(aBar) x_0 + sqrt(1 - aBar) noise: an image at a noise level, with a noise of one's choice. */
export function stateFromNoise(tf: Tf, x0: Tensor, noise: Tensor, alphaBar: readonly number[]): Tensor {
  const signal = perRow(
    tf,
    alphaBar.map((level) => Math.sqrt(level)),
    x0,
  );
  const sigma = perRow(
    tf,
    alphaBar.map((level) => Math.sqrt(1 - level)),
    x0,
  );
  return x0.mul(signal).add(noise.mul(sigma));
}

/**
 * published (sign +1) and negated (sign -1):
 *   inside = sign * 0.5 beta mean_k w_k [ ||policy - reference||^2_winner - same_loser ]
 * Weights [R] are those of `timestepWeight`. The sides' errors are the unweighted distances.
 */
export function publishedLoss(
  winner: Side,
  loser: Side,
  { beta, pairs, sign, weights }: { beta: number; pairs: number; sign: 1 | -1; weights: Tensor },
): PairLoss {
  const distances = [distance(winner), distance(loser)] as const;
  const [winnerTerm, loserTerm] = distances.map((rows) => meanPerPair(rows.mul(weights), pairs)) as [
    Tensor,
    Tensor,
  ];
  return {
    ...logSigmoidLoss(winnerTerm, loserTerm, sign * 0.5 * beta),
    winnerError: meanPerPair(distances[0], pairs),
    loserError: meanPerPair(distances[1], pairs),
  };
}

/**
 * Weight of a row at level aBar_t, whose step comes from level aBar_s nearer to the image:
 *   none                 1
 *   one-over-2-alpha-bar 1 / (2 aBar_t), the released code's (equation S24 with sigma_t^2 = 1 - aBar_t)
 *   b-over-a-squared     (b / a)^2 of the inversion step x_t = a x_s + b e, a = sqrt(aBar_t / aBar_s),
 *                        b = sqrt(1 - aBar_t) - a sqrt(1 - aBar_s): the exact log-ratio's, but for its variance
 */
export function timestepWeight(kind: TimestepWeights, t: number, s: number): number {
  if (kind === 'none') return 1;
  if (kind === 'one-over-2-alpha-bar') return 1 / (2 * t);
  const a = Math.sqrt(t / s);
  return ((Math.sqrt(1 - t) - a * Math.sqrt(1 - s)) / a) ** 2;
}

function perRow(tf: Tf, values: readonly number[], like: Tensor): Tensor {
  return tf.tensor([...values], [values.length, ...like.shape.slice(1).map(() => 1)], 'float32');
}

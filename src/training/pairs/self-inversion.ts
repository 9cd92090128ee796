/**
 * Images inverted by the model that is being trained, at its weights of this very step, and the noise that each then
 * holds: the states and targets of InPO (Lu et al., CVPR 2025; JaydenLyh/InPO: train.py) and SmPO (JaydenLyh/SmPO:
 * train.py). Up the grid, from a state at level s with the label of s to level t,
 *   e = policy(x, s);  x <- sqrt(aBar_t) x0(x, e) + sqrt(1 - aBar_t) e
 *   InPO: then x <- x + eta sigma n with n standard normal, sigma^2 = (1 - aBar_s) / (1 - aBar_t) (1 - aBar_t / aBar_s)
 *   SmPO: e is the mean of the noise at x and at the x so reached (ReNoise, Garibi et al., arXiv 2403.14602)
 *   target = (x_t - sqrt(aBar_t) x_0) / sqrt(1 - aBar_t)
 * That is DDIMInverseScheduler as it was in diffusers 0.20, which the releases ask for. From 0.22 on it labels a state
 * with the level above; there InPO's release scales its noise by the wrong step and fails where t is above the grid.
 * The releases draw t from all timesteps and climb to the grid point at or above it (the last one, where none is), so
 * that their label and level differ a little; here t is a grid point. No gradient flows through any of it.
 */
import { seededNoise } from '../../diffusion/noise.ts';
import type { Tensor, Tf } from '../../engine/engine.ts';
import { hashSeed } from '../../random.ts';
import { endpointNoise } from '../objectives/inversion-dpo.ts';

export interface Ascent {
  /** Label, and the levels that it leads from and to; those of a shorter ascent begin those of a longer one. */
  steps: readonly { t: number; from: number; to: number }[];
  renoise: boolean;
  eta: number;
  /** Of the random noise. */
  seed: number;
}

export interface SelfInverted {
  states: Tensor;
  targets: Tensor;
}

/** Images [R, ...] with an ascent and a level to arrive at each; the caller disposes the tensors. */
export function selfInverted(
  tf: Tf,
  predict: (x: Tensor, t: number) => Tensor,
  images: Tensor,
  ascents: readonly Ascent[],
  levels: readonly number[],
): SelfInverted {
  const longest = ascents.reduce((a, b) => (b.steps.length > a.steps.length ? b : a));
  let x = images.clone();
  for (const [s, step] of longest.steps.entries()) {
    const next = tf.tidy(() => {
      const risen = rise(tf, predict, x, step, longest);
      const noise =
        longest.eta &&
        seededNoise(
          tf,
          ascents.map(({ seed }) => hashSeed(seed, s)),
          x.shape.slice(1),
        );
      const moved = noise ? risen.add(noise.mul(longest.eta * deviation(step))) : risen;
      // Rows that have arrived stay.
      const climbs = tf.tensor(
        ascents.map(({ steps }) => s < steps.length),
        [ascents.length, ...x.shape.slice(1).map(() => 1)],
        'bool',
      );
      return tf.where(climbs, moved, x) as Tensor;
    });
    x.dispose();
    x = next;
  }
  return { states: x, targets: tf.tidy(() => endpointNoise(tf, x, images, levels)) };
}

type Step = Ascent['steps'][number];

function rise(
  tf: Tf,
  predict: (x: Tensor, t: number) => Tensor,
  x: Tensor,
  step: Step,
  { renoise }: Ascent,
): Tensor {
  const a = Math.sqrt(step.to / step.from);
  const b = Math.sqrt(1 - step.to) - a * Math.sqrt(1 - step.from);
  const along = (noise: Tensor): Tensor => x.mul(a).add(noise.mul(b));
  const noise = tf.tidy(() => predict(x, step.t));
  if (!renoise) return along(noise);
  const there = tf.tidy(() => predict(along(noise), step.t));
  return along(noise.add(there).div(2));
}

const deviation = ({ from, to }: Step) => Math.sqrt(((1 - from) / (1 - to)) * (1 - to / from));

/** Deterministic DDIM sampling: noise in, image out. */
import type { Engine, Tensor } from '../engine/engine.ts';
import { sampleStep } from './ddim.ts';
import type { Predictor } from './predictor.ts';
import { gridStep, type Schedule, samplingTimesteps } from './schedule.ts';

/**
 * Runs N steps from noise x_T [B, ...] down to the image; the caller disposes the result. `onStep` is called
 * after each step and may throw to stop.
 */
export function sample(
  { tf }: Engine,
  schedule: Schedule,
  predict: Predictor,
  noise: Tensor,
  steps: number,
  onStep: (done: number) => void = () => {},
): Tensor {
  const stride = gridStep(schedule, steps);
  let x = noise.clone();
  try {
    for (const [i, t] of samplingTimesteps(schedule, steps).entries()) {
      const next = tf.tidy(() => sampleStep(schedule, x, predict(x, t), t, stride));
      x.dispose();
      x = next;
      onStep(i + 1);
    }
  } catch (thrown) {
    x.dispose();
    throw thrown;
  }
  return x;
}

/** DDIM inversion: an image in, the noise it would come from out, with every state between. */
import type { Engine, Tensor } from '../engine/engine.ts';
import { inversionStep } from './ddim.ts';
import type { Predictor } from './predictor.ts';
import { gridStep, inversionTimesteps, type Schedule } from './schedule.ts';

/** The inversion of a batch of images under the reference model. */
export interface Trajectory {
  /** N timesteps, ascending; state i + 1 lies at timestep i's level. */
  timesteps: number[];
  /** N + 1 states [B, ...], the image first. */
  states: Tensor[];
  /** N outputs of the model: what carried state i to state i + 1. */
  outputs: Tensor[];
}

/**
 * N steps up from images x0 [B, ...]. As in the released code (train_ddim.py), the model sees the state before
 * a step with the label of the timestep it goes to. Predicted images are not clamped: a clamp can't be undone.
 * The caller disposes the tensors.
 */
export function invert(
  { tf }: Engine,
  schedule: Schedule,
  predict: Predictor,
  x0: Tensor,
  steps: number,
): Trajectory {
  const unclamped = { ...schedule, clipRange: null };
  const stride = gridStep(schedule, steps);
  const timesteps = inversionTimesteps(schedule, steps);
  const states = [x0.clone()];
  const outputs: Tensor[] = [];
  for (const t of timesteps) {
    const x = states.at(-1)!;
    const output = tf.tidy(() => predict(x, t));
    outputs.push(output);
    states.push(tf.tidy(() => inversionStep(unclamped, x, output, t, stride)));
  }
  return { timesteps, states, outputs };
}

export function disposeTrajectory(trajectory: Trajectory): void {
  for (const tensor of [...trajectory.states, ...trajectory.outputs]) tensor.dispose();
}

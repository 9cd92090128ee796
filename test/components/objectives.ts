/** Training objectives: value, argument of the sigmoid, gradients; and the trajectories. */
import { disposeTrajectory, invert } from '../../src/diffusion/invert.ts';
import { guidedPredictor } from '../../src/diffusion/predictor.ts';
import type { Tensor } from '../../src/engine/engine.ts';
import type { Weights } from '../../src/engine/weights.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { checkGradients } from './gradients.ts';
import { openObjectives, type RecordedLoss, recordedLosses } from './objectives-setting.ts';
import { engine, toNhwc } from './tensors.ts';

const { tf } = engine;

async function objectives(golden: GoldenCase): Promise<void> {
  const setting = await openObjectives(golden);
  const { specs, policy, reference } = setting;
  const checkLoss = (name: string, recorded: RecordedLoss, weights: Weights) =>
    tf.tidy(() => {
      const { loss, inside, grads } = setting.differentiated(recorded, weights);
      golden.check(`${name}.loss`, loss.dataSync());
      if (`${name}.inside` in golden.output) golden.check(`${name}.inside`, inside!.dataSync());
      checkGradients(golden, name, grads, specs);
    });
  for (const [name, recorded] of recordedLosses(golden)) {
    checkLoss(name, recorded, policy);
    if (name in golden.json.policy_equals_reference) checkLoss(`eq.${name}`, recorded, reference);
  }
  for (const scale of golden.json.cfg_scales as number[]) {
    for (const side of ['w', 'l']) {
      const { config, prompt, empty, schedule, steps } = setting;
      const predict = guidedPredictor(engine, config, reference, { prompt, empty }, scale);
      const x0 = toNhwc(golden.input[`latents_${side}`]!);
      const trajectory = invert(engine, schedule, predict, x0, steps);
      const flat = (parts: Tensor[]) => tf.stack(parts).transpose([0, 1, 4, 2, 3]).dataSync();
      golden.check(`traj_${side}.s${scale}.states`, flat(trajectory.states));
      golden.check(`traj_${side}.s${scale}.eps`, flat(trajectory.outputs));
      disposeTrajectory(trajectory);
    }
  }
  setting.dispose();
}

export const components: Record<string, ComponentCheck> = { 'training objectives': objectives };

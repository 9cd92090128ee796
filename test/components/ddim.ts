/** DDIM on a noise model in closed form: sampling, inversion, fresh noise, v-prediction, added noise. */
import { addNoise, interpret, predictionTarget, sampleStep } from '../../src/diffusion/ddim.ts';
import { invert } from '../../src/diffusion/invert.ts';
import type { Predictor } from '../../src/diffusion/predictor.ts';
import { sample } from '../../src/diffusion/sample.ts';
import {
  alphaBarAt,
  gridStep,
  inversionTimesteps,
  parseSchedule,
  type Schedule,
  samplingTimesteps,
} from '../../src/diffusion/schedule.ts';
import type { Tensor } from '../../src/engine/engine.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { device, engine } from './tensors.ts';

const { tf } = engine;
const stacked = (states: Tensor[]) => tf.stack(states).dataSync();
const closedForm: Predictor = (x, t) =>
  x.mul(0.9 * Math.cos(t / 300)).add(
    x
      .add(t / 100)
      .sin()
      .mul(0.1),
  );

/** All states of a sampling; `freshNoise` per step where eta is above 0. */
function sampled(schedule: Schedule, xT: Tensor, steps: number, eta = 0, freshNoise?: Tensor[]): Tensor[] {
  const states = [xT];
  for (const [i, t] of samplingTimesteps(schedule, steps).entries()) {
    const x = states.at(-1)!;
    const options = freshNoise && { eta, freshNoise: freshNoise[i]! };
    states.push(sampleStep(schedule, x, closedForm(x, t), t, gridStep(schedule, steps), options));
  }
  return states;
}

async function ddim(golden: GoldenCase): Promise<void> {
  const { input, output, json } = golden;
  const configs = json.configs as Record<string, Record<string, unknown>>;
  golden.check('alphas_cumprod', parseSchedule(configs.sd15!).alphaBar);
  golden.check('alphas_cumprod_f64', parseSchedule(configs.sd15!).alphaBar);

  for (const { name, config, steps } of json.runs as { name: string; config: string; steps: number }[]) {
    const schedule = parseSchedule(configs[config]!);
    const recorded = (direction: string) => [...output[`${name}.${direction}.timesteps`]!.data];
    golden.exact(`${name}: sampling timesteps`, samplingTimesteps(schedule, steps), recorded('sample'));
    golden.exact(`${name}: inversion timesteps`, inversionTimesteps(schedule, steps), recorded('invert'));
    const states = sampled(schedule, device(input.x_T!), steps);
    golden.check(`${name}.sample.states`, stacked(states));
    const last = sample(engine, schedule, closedForm, device(input.x_T!), steps);
    golden.exact(`${name}: sample() ends there`, last.dataSync(), states.at(-1)!.dataSync());
    const trajectory = invert(engine, schedule, closedForm, device(input.x_0!), steps);
    golden.check(`${name}.invert.states`, stacked(trajectory.states));
  }

  const { config, steps } = json.eta_run as { config: string; steps: number };
  const noises = tf.unstack(device(input['eta.noise']!)) as Tensor[];
  const noisySteps = sampled(parseSchedule(configs[config]!), device(input.x_T!), steps, json.eta, noises);
  golden.check('eta.states', stacked(noisySteps));

  const schedule = parseSchedule({ ...configs.sd15!, prediction_type: 'v_prediction' });
  const t = json.v_timestep as number;
  const [x, v] = [device(input['v.sample']!), device(input['v.model_output']!)];
  const clean = interpret(schedule, x, v, alphaBarAt(schedule, t));
  golden.check('v.pred_original_sample', clean.x0.dataSync());
  golden.check('v.eps', clean.noise.dataSync());
  golden.check('v.prev_sample', sampleStep(schedule, x, v, t, gridStep(schedule, json.v_steps)).dataSync());
  golden.check('v.velocity', predictionTarget(schedule, x, v, alphaBarAt(schedule, t)).dataSync());
  const levels = [...input['add_noise.t']!.data];
  const noisy = addNoise(
    tf,
    schedule,
    device(input['add_noise.sample']!),
    device(input['add_noise.noise']!),
    levels,
  );
  golden.check('add_noise.result', noisy.dataSync());
}

export const components: Record<string, ComponentCheck> = { 'DDIM sampling and inversion': ddim };

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addNoise, interpret, predictionTarget, sampleStep } from '../../src/diffusion/ddim.ts';
import { disposeTrajectory, invert } from '../../src/diffusion/invert.ts';
import { seededNoise } from '../../src/diffusion/noise.ts';
import type { Predictor } from '../../src/diffusion/predictor.ts';
import { sample } from '../../src/diffusion/sample.ts';
import {
  alphaBarAt,
  gridStep,
  inversionTimesteps,
  parseSchedule,
  samplingTimesteps,
} from '../../src/diffusion/schedule.ts';
import { openEngine, type Tensor } from '../../src/engine/engine.ts';
import type { HostTensor } from '../../src/engine/safetensors.ts';
import { goldenCase } from '../golden.ts';

const engine = await openEngine();
const { tf } = engine;
const golden = await goldenCase('ddim');
const { input, output } = golden;
const configs = golden.json.configs as Record<string, Record<string, unknown>>;
const device = ({ data, shape }: HostTensor): Tensor => tf.tensor(data, shape, 'float32');
const stacked = (states: Tensor[]) => tf.stack(states).dataSync();
const closedForm: Predictor = (x, t) =>
  x.mul(0.9 * Math.cos(t / 300)).add(
    x
      .add(t / 100)
      .sin()
      .mul(0.1),
  );

test('the schedule table', () => {
  golden.check('alphas_cumprod', parseSchedule(configs.sd15!).alphaBar);
  golden.check('alphas_cumprod_f64', parseSchedule(configs.sd15!).alphaBar);
});

for (const { name, config, steps } of golden.json.runs as { name: string; config: string; steps: number }[]) {
  test(`${name}: sampling and inversion`, () => {
    const schedule = parseSchedule(configs[config]!);
    assert.deepEqual(samplingTimesteps(schedule, steps), [...output[`${name}.sample.timesteps`]!.data]);
    assert.deepEqual(inversionTimesteps(schedule, steps), [...output[`${name}.invert.timesteps`]!.data]);

    const states = [device(input.x_T!)];
    for (const t of samplingTimesteps(schedule, steps)) {
      const x = states.at(-1)!;
      states.push(sampleStep(schedule, x, closedForm(x, t), t, gridStep(schedule, steps)));
    }
    golden.check(`${name}.sample.states`, stacked(states));
    const last = sample(engine, schedule, closedForm, device(input.x_T!), steps);
    assert.deepEqual([...last.dataSync()], [...states.at(-1)!.dataSync()]);

    const trajectory = invert(engine, schedule, closedForm, device(input.x_0!), steps);
    golden.check(`${name}.invert.states`, stacked(trajectory.states));
  });
}

test('fresh noise with eta', () => {
  const { config, steps } = golden.json.eta_run as { config: string; steps: number };
  const schedule = parseSchedule(configs[config]!);
  const noises = tf.unstack(device(input['eta.noise']!));
  const states = [device(input.x_T!)];
  for (const [i, t] of samplingTimesteps(schedule, steps).entries()) {
    const x = states.at(-1)!;
    const options = { eta: golden.json.eta as number, freshNoise: noises[i]! };
    states.push(sampleStep(schedule, x, closedForm(x, t), t, gridStep(schedule, steps), options));
  }
  golden.check('eta.states', stacked(states));
});

test('v-prediction, velocity and added noise', () => {
  const schedule = parseSchedule({ ...configs.sd15!, prediction_type: 'v_prediction' });
  const t = golden.json.v_timestep as number;
  const [x, v] = [device(input['v.sample']!), device(input['v.model_output']!)];
  const clean = interpret(schedule, x, v, alphaBarAt(schedule, t));
  golden.check('v.pred_original_sample', clean.x0.dataSync());
  golden.check('v.eps', clean.noise.dataSync());
  const stride = gridStep(schedule, golden.json.v_steps as number);
  golden.check('v.prev_sample', sampleStep(schedule, x, v, t, stride).dataSync());
  golden.check('v.velocity', predictionTarget(schedule, x, v, alphaBarAt(schedule, t)).dataSync());
  const noisy = addNoise(
    tf,
    schedule,
    device(input['add_noise.sample']!),
    device(input['add_noise.noise']!),
    [...input['add_noise.t']!.data],
  );
  golden.check('add_noise.result', noisy.dataSync());
});

test('sampling undoes inversion as the grid gets finer, and neither leaks tensors', () => {
  const schedule = parseSchedule(configs.hand!);
  const x0 = device(input.x_0!);
  const linear: Predictor = (x, t) => x.mul(Math.sqrt(1 - alphaBarAt(schedule, t)));
  const before = tf.memory().numTensors;
  const errors = [50, 500].map((steps) => {
    const trajectory = invert(engine, schedule, linear, x0, steps);
    const back = sample(engine, schedule, linear, trajectory.states.at(-1)!, steps);
    const error = tf.tidy(() => back.sub(x0).abs().max().dataSync()[0]!);
    disposeTrajectory(trajectory);
    back.dispose();
    return error;
  });
  assert.equal(tf.memory().numTensors, before);
  assert.ok(errors[1]! < 0.2 * errors[0]!, `errors ${errors}`);
});

test('noise depends on the seed alone', () => {
  const both = [...seededNoise(tf, [7, 8], [50, 50]).dataSync()];
  const second = seededNoise(tf, [8], [50, 50]).dataSync();
  assert.deepEqual(both.slice(2500), [...second]);
  const mean = both.reduce((sum, x) => sum + x, 0) / both.length;
  const variance = both.reduce((sum, x) => sum + x * x, 0) / both.length - mean * mean;
  assert.ok(Math.abs(mean) < 0.05 && Math.abs(variance - 1) < 0.06, `${mean} ${variance}`);
});

test('a schedule or step count that is not supported is refused by name', () => {
  assert.throws(() => parseSchedule({ beta_schedule: 'cosine' }), /"beta_schedule" is "cosine"/);
  assert.throws(() => parseSchedule({ prediction_type: 'sample' }), /"prediction_type" is "sample"/);
  assert.throws(() => gridStep(parseSchedule({}), 0), /steps is 0/);
});

/** DDIM beyond its recorded values (test/components/ddim.ts has those). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { disposeTrajectory, invert } from '../../src/diffusion/invert.ts';
import { seededNoise } from '../../src/diffusion/noise.ts';
import type { Predictor } from '../../src/diffusion/predictor.ts';
import { sample } from '../../src/diffusion/sample.ts';
import { alphaBarAt, gridStep, parseSchedule } from '../../src/diffusion/schedule.ts';
import { openEngine } from '../../src/engine/engine.ts';

const engine = await openEngine();
const { tf } = engine;

test('sampling undoes inversion as the grid gets finer, and neither leaks tensors', () => {
  const schedule = parseSchedule({
    beta_schedule: 'scaled_linear',
    beta_start: 0.00085,
    beta_end: 0.012,
    clip_sample: false,
  });
  const x0 = seededNoise(tf, [1, 2], [8, 8, 3]);
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

/** The Gaussian of a stochastic DDIM step against its closed form, worked out here in float64. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleStep, stepFactors, stepMean } from '../../src/diffusion/ddim.ts';
import { seededNoise } from '../../src/diffusion/noise.ts';
import { gridStep, parseSchedule, samplingTimesteps } from '../../src/diffusion/schedule.ts';
import { factorsPerRow, logDensity } from '../../src/diffusion/step-density.ts';
import { openEngine } from '../../src/engine/engine.ts';

const { tf } = await openEngine();
const SD = {
  ...{ beta_schedule: 'scaled_linear', beta_start: 0.00085, beta_end: 0.012, steps_offset: 1 },
  ...{ clip_sample: false, set_alpha_to_one: false },
};
const schedule = parseSchedule(SD);
const SHAPE = [4, 4, 3];
const noise = (...seeds: number[]) => seededNoise(tf, seeds, SHAPE);
const close = (got: number, want: number, tolerance: number, what: string) =>
  assert.ok(Math.abs(got - want) <= tolerance, `${what}: ${got} against ${want}`);

test('eta 1 has DDPM’s posterior variance, eta 0 none (1e-12)', () => {
  const steps = 20;
  for (const t of samplingTimesteps(schedule, steps)) {
    const stride = gridStep(schedule, steps);
    const level = schedule.alphaBar[t]!;
    const next = t < stride ? schedule.finalAlphaBar : schedule.alphaBar[t - stride]!;
    // Of q(x_s | x_t, x_0) with beta = 1 - aBar_t / aBar_s: (1 - aBar_s) beta / (1 - aBar_t).
    const posterior = ((1 - next) * (1 - level / next)) / (1 - level);
    close(stepFactors(schedule, t, stride, 1).sigma ** 2, posterior, 1e-12, `variance at ${t}`);
    assert.equal(stepFactors(schedule, t, stride, 0).sigma, 0);
  }
});

test('a step is its mean and the noise by sigma; without eta the mean alone, to the bit', () => {
  const [x, output, fresh] = [noise(1, 2), noise(3, 4), noise(5, 6)];
  const step = (eta: number) => sampleStep(schedule, x, output, 501, 50, { eta, freshNoise: fresh });
  for (const eta of [0, 0.3, 1]) {
    const factors = stepFactors(schedule, 501, 50, eta);
    const mean = stepMean(schedule, x, output, factors);
    const want = eta === 0 ? mean : mean.add(fresh.mul(factors.sigma));
    assert.deepEqual(step(eta).dataSync(), want.dataSync());
  }
  assert.deepEqual(sampleStep(schedule, x, output, 501, 50).dataSync(), step(0).dataSync());
});

for (const clip of [false, true]) {
  test(`rows at timesteps of their own have the mean of each alone (1e-6)${clip ? ', clamped' : ''}`, () => {
    const kind = parseSchedule({ ...SD, clip_sample: clip });
    const timesteps = [951, 501, 51, 1];
    const [x, output] = [noise(1, 2, 3, 4), noise(5, 6, 7, 8)];
    const factors = timesteps.map((t) => stepFactors(kind, t, 50, 1));
    const together = stepMean(kind, x, output, factorsPerRow(tf, factors, 4)).dataSync();
    const size = together.length / 4;
    for (const row of timesteps.keys()) {
      const of = (t: typeof x) => t.slice([row, 0, 0, 0], [1, ...SHAPE]);
      const alone = stepMean(kind, of(x), of(output), factors[row]!).dataSync();
      for (const i of alone.keys()) close(together[row * size + i]!, alone[i]!, 1e-6, `row ${row}`);
    }
  });
}

test('the log density is that of the normal distribution, as a mean over the values (1e-5)', () => {
  const [next, mean] = [noise(1, 2), noise(3, 4)];
  const sigma = [0.7, 1.3];
  const got = logDensity(next, mean, tf.tensor1d(sigma)).dataSync();
  const [a, b] = [next.dataSync(), mean.dataSync()];
  const size = a.length / 2;
  for (const row of [0, 1]) {
    const s = sigma[row]!;
    const values = Array.from({ length: size }, (_, i) => {
      const z = (a[row * size + i]! - b[row * size + i]!) / s;
      return Math.log(Math.exp(-(z * z) / 2) / (s * Math.sqrt(2 * Math.PI)));
    });
    close(got[row]!, values.reduce((sum, x) => sum + x, 0) / size, 1e-5, `row ${row}`);
  }
});

test('the log density falls with the distance from the mean as its gradient says: (next - mean) / sigma^2 (1e-6)', () => {
  const [next, mean] = [noise(1), noise(2)];
  const grad = tf
    .grad((m) => logDensity(next, m, tf.tensor1d([0.8])).sum())(mean)
    .dataSync();
  const [a, b] = [next.dataSync(), mean.dataSync()];
  for (const i of grad.keys()) close(grad[i]!, (a[i]! - b[i]!) / 0.64 / grad.length, 1e-6, `value ${i}`);
});

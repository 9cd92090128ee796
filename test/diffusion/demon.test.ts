/** Sampling demons on a model in closed form: what a reward does to images, what a step is, what it costs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleStep } from '../../src/diffusion/ddim.ts';
import {
  DEMON_WEIGHTINGS,
  type DemonSettings,
  demonWeights,
  onSphere,
  sampleWithDemon,
} from '../../src/diffusion/demon.ts';
import { seededNoise } from '../../src/diffusion/noise.ts';
import type { Predictor } from '../../src/diffusion/predictor.ts';
import { alphaBarAt, gridStep, parseSchedule, samplingTimesteps } from '../../src/diffusion/schedule.ts';
import { openEngine, type Tensor } from '../../src/engine/engine.ts';
import { hashSeed } from '../../src/random.ts';

const engine = await openEngine();
const { tf } = engine;
const schedule = parseSchedule({
  ...{ beta_schedule: 'scaled_linear', beta_start: 0.00085, beta_end: 0.012, steps_offset: 1 },
  clip_sample: false,
});
const STEPS = 20;
const SHAPE = [4, 4, 3];
const SEEDS = Array.from({ length: 16 }, (_, i) => 40 + i);
/** The noise that is to be expected in x where images are normal with mean 0 and deviation 0.5. */
const gaussian: Predictor = (x, t) => {
  const level = alphaBarAt(schedule, t);
  return x.mul(Math.sqrt(1 - level) / (0.25 * level + 1 - level));
};
/** Likes bright images: the mean of each row. */
const brightness = async (x0: Tensor): Promise<number[]> => [
  ...tf.tidy(() => x0.mean([1, 2, 3]).dataSync() as Float32Array),
];

interface Told {
  seeds?: number[];
  predict?: Predictor;
  score?: (x0: Tensor) => Promise<readonly (number | null)[]>;
  onStep?: (done: number) => void;
}

async function drawn(demon: DemonSettings, told: Told = {}): Promise<number[]> {
  const { seeds = SEEDS, predict = gaussian, score = brightness, onStep = () => {} } = told;
  const noise = seededNoise(tf, seeds, SHAPE);
  try {
    const x0 = await sampleWithDemon({
      ...{ engine, schedule, predict, noise, seeds, steps: STEPS, demon, score, onStep },
    });
    const values = [...x0.dataSync()];
    x0.dispose();
    return values;
  } finally {
    noise.dispose();
  }
}

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
const furthest = (a: readonly number[], b: readonly number[]) =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);

for (const weighting of DEMON_WEIGHTINGS) {
  test(`${weighting}: the reward of its images is far above that of undirected ones, and rises with the noises tried`, async () => {
    const reward = async (noises: number) => mean(await drawn({ noises, weighting }));
    const [undirected, few, many] = [await reward(1), await reward(4), await reward(32)];
    // The mean of 48 values of deviation 0.5 strays by 0.07, that of 16 such images by 0.02.
    assert.ok(Math.abs(undirected) < 0.06, `${undirected}`);
    assert.ok(few > undirected + 0.2 && many > few + 0.05, `${undirected}, ${few}, ${many}`);
  });
}

test('with one noise, or with rewards that say nothing, it is plain stochastic sampling (1e-5)', async () => {
  const stride = gridStep(schedule, STEPS);
  const plain = (noises: number) => {
    let x = seededNoise(tf, SEEDS, SHAPE);
    for (const [i, t] of samplingTimesteps(schedule, STEPS).entries()) {
      const fresh = Array.from({ length: noises }, (_, k) =>
        seededNoise(
          tf,
          SEEDS.map((seed) => hashSeed('demon', seed, i, k)),
          SHAPE,
        ),
      );
      const freshNoise = onSphere(tf.addN(fresh) as Tensor);
      x = sampleStep(schedule, x, gaussian(x, t), t, stride, { eta: 1, freshNoise });
    }
    return [...x.dataSync()];
  };
  const one = await drawn({ noises: 1, weighting: 'tanh' });
  assert.ok(furthest(one, plain(1)) < 1e-5);
  for (const reward of [3, null]) {
    const score = async () => SEEDS.map(() => reward);
    assert.ok(furthest(await drawn({ noises: 3, weighting: 'boltzmann' }, { score }), plain(3)) < 1e-5);
  }
});

test('a step asks the model and the reward once for each noise; the last, which has no noise, asks for none', async () => {
  const asked: number[] = [];
  const scored: number[] = [];
  const predict: Predictor = (x, t) => {
    asked.push(t);
    return gaussian(x, t);
  };
  const score = async (x0: Tensor) => {
    scored.push(x0.shape[0]!);
    return brightness(x0);
  };
  const steps: number[] = [];
  const before = tf.memory().numTensors;
  await drawn(
    { noises: 3, weighting: 'tanh' },
    { seeds: [1, 2], predict, score, onStep: (done) => void steps.push(done) },
  );
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual(scored, Array(3 * (STEPS - 1)).fill(2));
  const grid = samplingTimesteps(schedule, STEPS);
  const want = grid.flatMap((t, i) => [t, ...grid.slice(i + 1, i + 2).flatMap((next) => [next, next, next])]);
  assert.deepEqual(asked, want);
  assert.deepEqual(
    steps,
    grid.map((_, i) => i + 1),
  );
});

test('an image depends on its seed alone, not on its company (1e-5)', async () => {
  const demon = { noises: 4, weighting: 'tanh' } as const;
  const all = await drawn(demon);
  const size = all.length / SEEDS.length;
  const alone = await drawn(demon, { seeds: [SEEDS[5]!] });
  assert.ok(furthest(alone, all.slice(5 * size, 6 * size)) < 1e-5);
  assert.ok(furthest(alone, all.slice(6 * size, 7 * size)) > 0.1);
});

test('an exception of the reward or of the progress ends it, and nothing stays behind', async () => {
  const before = tf.memory().numTensors;
  const stop = (done: number) => {
    if (done === 2) throw new Error('enough');
  };
  await assert.rejects(drawn({ noises: 2, weighting: 'tanh' }, { onStep: stop }), { message: 'enough' });
  const score = () => Promise.reject(new Error('no scorer'));
  await assert.rejects(drawn({ noises: 2, weighting: 'tanh' }, { score }), { message: 'no scorer' });
  assert.equal(tf.memory().numTensors, before);
});

test('weights are those of the paper: tanh of, or exponential in, rewards by the temperature (1e-12)', () => {
  const rewards = [1, 2, 6];
  // Mean 3, deviation over 2: sqrt(7).
  const close = (got: number[], want: number[]) => {
    assert.equal(got.length, want.length);
    assert.ok(furthest(got, want) < 1e-12, `${got} against ${want}`);
  };
  for (const temperature of [undefined, 0.5]) {
    const scale = temperature ?? Math.sqrt(7);
    const given = temperature === undefined ? {} : { temperature };
    close(
      demonWeights(rewards, { weighting: 'tanh', ...given }),
      rewards.map((r) => Math.tanh((r - 3) / scale)),
    );
    // Up to a common factor, of which the length takes no notice.
    const softmax = demonWeights(rewards, { weighting: 'boltzmann', ...given });
    close(
      softmax.map((w) => w / softmax[2]!),
      rewards.map((r) => Math.exp((r - 6) / scale)),
    );
  }
  assert.deepEqual(demonWeights([1, null, 2, 6], { weighting: 'tanh' })[1], 0);
  assert.deepEqual(demonWeights([2, 2, null], { weighting: 'tanh' }), [1, 1, 0]);
  assert.deepEqual(demonWeights([null, null], { weighting: 'boltzmann' }), [1, 1]);
  assert.deepEqual(demonWeights([7], { weighting: 'tanh' }), [1]);
});

/** Sampling with a network: what a seed decides, how often the model is called, where, and what comes out. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { seededNoise } from '../../src/diffusion/noise.ts';
import { guidedPredictor, type Predictor } from '../../src/diffusion/predictor.ts';
import { sample } from '../../src/diffusion/sample.ts';
import {
  alphaBarAt,
  inversionTimesteps,
  parseSchedule,
  type Schedule,
  samplingTimesteps,
} from '../../src/diffusion/schedule.ts';
import { type Engine, openEngine } from '../../src/engine/engine.ts';
import type {} from '../../src/models/folders/model-folder.ts';
import { textPrompt } from '../../src/models/inputs/prompt.ts';
import { encodeEmpty, encodePrompts } from '../../src/models/inputs/text-condition.ts';
import { unetForward } from '../../src/models/unet/unet.ts';
import { openNumericMethods } from '../../workers/numeric/methods.ts';
import { temporaryFolder } from '../temporary.ts';
import { SIDE, TINY_SCHEDULER, tinyModel } from '../training/tiny.ts';

const engine = await openEngine();
const { tf } = engine;
const model = await tinyModel(engine, await temporaryFolder({ after }), { clip_sample: true });
const schedule = parseSchedule(model.scheduler);
const ROW = 3 * SIDE * SIDE;

/** The engine, with the batch size of every call of the UNet noted. */
function counted(): { engine: Engine; calls: number[] } {
  const calls: number[] = [];
  const conv2d: Engine['kernels']['conv2d'] = (x, weight, ...rest) => {
    if (weight === model.unet.weights['conv_in.weight']) calls.push(x.shape[0]!);
    return engine.kernels.conv2d(x, weight, ...rest);
  };
  return { engine: { ...engine, traces: false, kernels: { ...engine.kernels, conv2d } }, calls };
}

function predictorOf(prompts: readonly string[], guidance: number, on: Engine = engine): Predictor {
  const conditions = {
    prompt: encodePrompts(engine, model, prompts.map(textPrompt)),
    empty: encodeEmpty(engine, model),
  };
  return guidedPredictor(on, model.unet.config, model.unet.weights, conditions, guidance);
}

interface Request {
  prompt: string;
  seed: number;
}

/** The images of a batch of requests, one array each. */
function images(requests: readonly Request[], steps = 5, guidance = 3): Float32Array[] {
  const predict = predictorOf(
    requests.map(({ prompt }) => prompt),
    guidance,
  );
  const seeds = requests.map(({ seed }) => seed);
  const noise = seededNoise(tf, seeds, [SIDE, SIDE, 3]);
  const out = sample(engine, schedule, predict, noise, steps);
  const values = out.dataSync() as Float32Array;
  tf.dispose([noise, out]);
  return requests.map((_, i) => values.slice(i * ROW, (i + 1) * ROW));
}

function furthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.equal(a.length, b.length);
  return Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
}

const RED = { prompt: 'red circle', seed: 11 };
const BLUE = { prompt: 'blue square', seed: 12 };
const GREEN = { prompt: 'green cross', seed: 13 };

test('the same requests give the same bits again', () => {
  assert.deepEqual(images([RED, BLUE]), images([RED, BLUE]));
});

test('seed and prompt decide an image, each of them', () => {
  const [red, otherSeed, otherPrompt] = images([RED, { ...RED, seed: 99 }, { ...RED, prompt: BLUE.prompt }]);
  assert.ok(furthest(red!, otherSeed!) > 0.1, 'the seed changes nothing');
  assert.ok(furthest(red!, otherPrompt!) > 1e-3, 'the prompt changes nothing');
});

test('an image does not depend on its company: noise to the bit, pixels to 1e-4', () => {
  const seeds = [BLUE.seed, RED.seed, GREEN.seed];
  const rows = seededNoise(tf, seeds, [SIDE, SIDE, 3]).dataSync();
  assert.deepEqual(rows.slice(ROW, 2 * ROW), seededNoise(tf, [RED.seed], [SIDE, SIDE, 3]).dataSync());
  const [alone] = images([RED]);
  for (const [company, place] of [
    [[BLUE, RED, GREEN], 1],
    [[GREEN, BLUE, GREEN, BLUE, RED], 4],
  ] as const) {
    const off = furthest(images(company)[place]!, alone!);
    assert.ok(off <= 1e-4, `in company ${off} away from alone`);
  }
});

test('guidance 1 calls the model once a step, any other once on a doubled batch', () => {
  for (const [guidance, rows] of [
    [1, 2],
    [3, 4],
    [0, 4],
  ] as const) {
    const { engine: on, calls } = counted();
    const noise = seededNoise(tf, [1, 2], [SIDE, SIDE, 3]);
    sample(on, schedule, predictorOf(['red circle', 'blue square'], guidance, on), noise, 7).dispose();
    assert.deepEqual(calls, Array<number>(7).fill(rows), `guidance ${guidance}`);
  }
});

test('guidance goes from the empty prompt to the prompt and beyond, in a line (1e-5)', () => {
  const x = seededNoise(tf, [1, 2], [SIDE, SIDE, 3]);
  const { config, weights } = model.unet;
  const alone = (prompts: string[]) =>
    unetForward(
      engine,
      config,
      weights,
      x,
      tf.fill([2], 301),
      encodePrompts(engine, model, prompts.map(textPrompt)),
    ).dataSync();
  const [prompted, without] = [alone(['red circle', 'blue square']), alone(['', ''])];
  assert.ok(furthest(prompted, without) > 1e-2, 'the prompts change nothing');
  for (const guidance of [0, 1, 3]) {
    const want = Array.from(without, (e, i) => e + guidance * (prompted[i]! - e));
    const got = predictorOf(['red circle', 'blue square'], guidance)(x, 301).dataSync();
    assert.ok(furthest(got, want) <= 1e-5, `guidance ${guidance}`);
  }
});

test('leading and trailing timesteps are evenly spaced, from the end that the name says', () => {
  const leading = { ...schedule, spacing: 'leading', stepsOffset: 1 } as const;
  const trailing = { ...schedule, spacing: 'trailing', stepsOffset: 0 } as const;
  assert.deepEqual(samplingTimesteps(leading, 4), [751, 501, 251, 1]);
  assert.deepEqual(samplingTimesteps(trailing, 4), [999, 749, 499, 249]);
  // 1000 / 7 is no whole number: leading rounds the stride down, trailing each timestep.
  assert.deepEqual(samplingTimesteps({ ...leading, stepsOffset: 0 }, 7), [852, 710, 568, 426, 284, 142, 0]);
  assert.deepEqual(samplingTimesteps(trailing, 7), [999, 856, 713, 570, 428, 285, 142]);
  for (const kind of [leading, trailing]) {
    assert.deepEqual(inversionTimesteps(kind, 7), samplingTimesteps(kind, 7).reverse());
    assert.equal(samplingTimesteps(kind, 1000).length, 1000);
  }
});

test('the model is asked at the schedule’s timesteps, from noise down, and progress counts them', () => {
  for (const spacing of ['leading', 'trailing'] as const) {
    const asked: number[] = [];
    const done: number[] = [];
    const predict: Predictor = (x, t) => {
      asked.push(t);
      return x.mul(0.5);
    };
    const noise = seededNoise(tf, [1], [2, 2, 3]);
    const spaced: Schedule = { ...schedule, spacing };
    sample(engine, spaced, predict, noise, 6, (n) => void done.push(n)).dispose();
    assert.deepEqual(asked, samplingTimesteps(spaced, 6));
    assert.deepEqual(done, [1, 2, 3, 4, 5, 6]);
  }
});

test('a model that knows the image draws it from any noise (1e-4)', () => {
  const image = tf.tensor(
    Float32Array.from({ length: ROW }, (_, i) => Math.sin(i)),
    [1, SIDE, SIDE, 3],
  );
  const perfect: Predictor = (x, t) => {
    const level = alphaBarAt(schedule, t);
    return x.sub(image.mul(Math.sqrt(level))).div(Math.sqrt(1 - level));
  };
  for (const steps of [1, 4, 50]) {
    const noise = seededNoise(tf, [steps], [SIDE, SIDE, 3]);
    const drawn = sample(engine, schedule, perfect, noise, steps).dataSync();
    assert.ok(furthest(drawn, image.dataSync()) <= 1e-4, `${steps} steps`);
  }
});

test('stopped between steps, sampling ends there with the reason it was given', () => {
  const { engine: on, calls } = counted();
  const noise = seededNoise(tf, [1], [SIDE, SIDE, 3]);
  const stopAt3 = (done: number) => {
    if (done === 3) throw new Error('enough');
  };
  assert.throws(() => sample(on, schedule, predictorOf(['red circle'], 1, on), noise, 9, stopAt3), {
    message: 'enough',
  });
  assert.equal(calls.length, 3);
});

test('a clamped schedule ends within [-1, 1], on the edge where the model goes further', () => {
  const far: Predictor = (x) => x.mul(0).sub(9);
  const noise = seededNoise(tf, [1, 2], [SIDE, SIDE, 3]);
  const range = (kind: Schedule, predict: Predictor) => {
    const values = sample(engine, kind, predict, noise, 5).dataSync();
    return [Math.min(...values), Math.max(...values)] as const;
  };
  const unclamped = parseSchedule({ ...TINY_SCHEDULER, clip_sample: false });
  assert.ok(range(unclamped, far)[1] > 1, 'without clamping it goes further');
  const edge = range(schedule, far);
  assert.ok(edge[1] <= 1 && edge[0] >= 1 - 1e-6, `${edge}`);
  const [least, most] = range(schedule, predictorOf(['red circle', 'blue square'], 3));
  assert.ok(least >= -1 && most <= 1 && most - least > 0.1, `${least} to ${most}`);
  const [, half] = range(parseSchedule({ ...model.scheduler, clip_sample_range: 0.5 }), far);
  assert.ok(half <= 0.5 && half >= 0.5 - 1e-6, `${half}`);
});

test('generated images are the sampled pixels as bytes, cut off at the ends', async () => {
  const methods = await openNumericMethods();
  const call = { progress() {}, signal: new AbortController().signal };
  const requests = [RED, BLUE];
  const prompted = requests.map(({ prompt, seed }) => ({ prompt: textPrompt(prompt), seed }));
  const argument = { model: model.folder, requests: prompted, steps: 5, guidance: 3 };
  const generated = await methods.generate(argument, call);
  const sampled = images(requests);
  for (const [i, { width, height, data }] of generated.entries()) {
    assert.deepEqual([width, height], [SIDE, SIDE]);
    const bytes = Array.from(sampled[i]!, (x) => Math.round((Math.min(1, Math.max(-1, x)) + 1) * 127.5));
    assert.deepEqual([...data], bytes);
  }
});

/** What a run may choose besides its objective: rows, weights, optimizer, average, frozen parts; and what clashes. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { invert } from '../../src/diffusion/invert.ts';
import { alphaBarAt, gridStep, inversionTimesteps, parseSchedule } from '../../src/diffusion/schedule.ts';
import { openEngine, type Tensor } from '../../src/engine/engine.ts';
import { createFlatParameters } from '../../src/engine/flat-parameters.ts';
import { readTensors } from '../../src/engine/safetensors.ts';
import { toHost } from '../../src/engine/weights.ts';
import { createRandom } from '../../src/random.ts';
import { checkTrainSettings } from '../../src/training/check-settings.ts';
import { diffusionDpoLoss } from '../../src/training/objectives/diffusion-dpo.ts';
import { endpointNoise, timestepWeight } from '../../src/training/objectives/inversion-dpo.ts';
import { smpoLoss, softLabels } from '../../src/training/objectives/smpo.ts';
import { pairFactors } from '../../src/training/pairs/pair-factors.ts';
import { planRows } from '../../src/training/pairs/rows.ts';
import { type Ascent, selfInverted } from '../../src/training/pairs/self-inversion.ts';
import {
  DEFAULT_TRAIN,
  INVERSION_FORMS,
  learningRateAt,
  OBJECTIVES,
  objectiveSettings,
  type PairTrainSettings,
  type TrainSettings,
} from '../../src/training/settings.ts';
import { trainPairs } from '../../src/training/train.ts';
import { peakBytes } from '../peak-bytes.ts';
import { temporaryFolder } from '../temporary.ts';
import { TINY_TRAIN, telemetryOf, tensorsOf, tinyModel, tinyPairs, tinyRun } from './tiny.ts';

const engine = await openEngine();
const { tf } = engine;
const model = await tinyModel(engine, await temporaryFolder({ after }));
const schedule = parseSchedule(model.scheduler);
const base = toHost(model.unet.weights, model.unet.specs);

const close = (got: number, want: number, tolerance: number, what: string) =>
  assert.ok(Math.abs(got - want) <= tolerance, `${what}: ${got} against ${want}`);

async function trained(t: { after(clean: () => Promise<void>): void }, settings: Partial<TrainSettings>) {
  const folder = await temporaryFolder(t);
  const all = { beta: 20, checkpointEvery: 1, ...settings };
  const { model: tuned } = await trainPairs(tinyRun(engine, model, folder, all));
  const steps = all.steps ?? TINY_TRAIN.steps;
  return {
    weights: await readTensors(`${tuned}/unet/diffusion_pytorch_model.safetensors`),
    state: await tensorsOf(`${folder}/checkpoints/step-${steps}/optimizer.safetensors`),
    telemetry: await telemetryOf(folder),
  };
}

const CLASHES: [Partial<TrainSettings>, string][] = [
  [
    { objective: 'sft', form: 'endpoint' },
    'train.form is "endpoint", but train.objective is "sft"; only inversion-dpo has forms',
  ],
  [
    { objective: 'inpo', timestepWeights: 'none' },
    'train.timestepWeights is "none", but train.objective is "inpo"; only inversion-dpo weighs timesteps',
  ],
  [
    { objective: 'kto', rowsPerPair: 'trajectory' },
    'train.rowsPerPair is "trajectory", but train.objective is "kto"; only inversion-dpo has whole trajectories. Give a number',
  ],
  [
    { rowsPerPair: 20 },
    'train.rowsPerPair is 20, but train.inversionSteps is 20, which leaves 19 timesteps to form "shared-noise"',
  ],
  [
    { objective: 'sft', keptTimesteps: 3 },
    'train.keptTimesteps is 3, but train.objective is "sft"; only inversion-dpo stores trajectories',
  ],
  [
    { form: 'transition', stride: 4, keptTimesteps: 17 },
    'train.keptTimesteps is 17, but train.inversionSteps is 20, which leaves 16 timesteps to form "transition"',
  ],
  [
    { keptTimesteps: 4, rowsPerPair: 5 },
    'train.rowsPerPair is 5, but train.keptTimesteps is 4; it must be as many or more',
  ],
  [
    { form: 'transition', stride: 20 },
    'train.stride is 20, but train.inversionSteps is 20; it must be more than the stride',
  ],
  [
    { objective: 'mapo', beta: 2000 },
    'train.beta is 2000, but train.objective is "mapo", where beta is the weight of the preference; give at most 10',
  ],
  [
    { objective: 'smpo', rewardWeighted: true },
    'train.rewardWeighted is true, but train.objective is "smpo", whose labels follow the margins already',
  ],
  [
    { objective: 'kto', accumulate: 2 },
    'train.accumulate is 2, but train.objective is "kto", which measures each image against its whole batch',
  ],
  [{ accumulate: 3 }, 'train.accumulate is 3, but train.pairsPerStep is 16; it must be a multiple of it'],
  [
    { schedule: 'cosine', warmUp: 200 },
    'train.warmUp is 200, but train.steps is 200; nothing is left to train.schedule "cosine"',
  ],
  [
    { freeze: ['conv_in.*'], lora: { rank: 2, convolutions: false } },
    'train.freeze is ["conv_in.*"], but train.lora leaves all weights as they are; leave one of the two out',
  ],
  [
    { objective: 'ddpo', form: 'endpoint' },
    'train.form is "endpoint", but train.objective is "ddpo"; only inversion-dpo has forms',
  ],
  [
    { objective: 'd3po', rowsPerPair: 'trajectory', beta: 0.1 },
    'train.rowsPerPair is "trajectory", but train.objective is "d3po"; only inversion-dpo has whole trajectories. Give a number',
  ],
  [
    { objective: 'd3po', beta: 2000 },
    'train.beta is 2000, but train.objective is "d3po", which holds ratios within 0.9 and 1.1; give at most 100 (0.1 is the released one)',
  ],
  [
    { objective: 'ddpo', rewardWeighted: true },
    'train.rewardWeighted is true, but train.objective is "ddpo", which has no pairs to weigh',
  ],
  [
    { objective: 'kto', onPolicy: { samplingSteps: 20, scenesPerRound: 16, stepsPerRound: 2 } },
    'train.onPolicy is given, but train.objective is "kto", which draws nothing; ddpo and d3po do',
  ],
];
for (const [settings, message] of CLASHES) {
  test(`refused: ${message}`, () => {
    assert.throws(() => checkTrainSettings({ ...DEFAULT_TRAIN, ...settings }), {
      code: 'DIPTYCH_INVALID_INPUT',
      message,
    });
  });
}

test('the defaults go together, and so does each choice alone', () => {
  const fine: Partial<TrainSettings>[] = [
    {},
    { rowsPerPair: 'trajectory', timestepWeights: 'b-over-a-squared' },
    { rowsPerPair: 19 },
    { form: 'published', rowsPerPair: 20 },
    { objective: 'dspo', beta: 0.001 },
    { objective: 'ddpo', accumulate: 2, gradientCheckpointing: true },
    { objective: 'd3po', beta: 0.1, rowsPerPair: 4, lora: { rank: 2, convolutions: false } },
    { keptTimesteps: 19, rowsPerPair: 19 },
    { form: 'published', keptTimesteps: 1 },
    { accumulate: 4, optimizer: 'adafactor', ema: 0.99, freeze: ['conv_in.*'], schedule: 'cosine' },
  ];
  for (const settings of fine) checkTrainSettings({ ...DEFAULT_TRAIN, ...settings });
  const kinds = [
    ...OBJECTIVES.map((objective) => ({ objective, form: DEFAULT_TRAIN.form })),
    ...INVERSION_FORMS.map((form) => ({ objective: DEFAULT_TRAIN.objective, form })),
  ];
  for (const kind of kinds) checkTrainSettings({ ...DEFAULT_TRAIN, ...kind, ...objectiveSettings(kind) });
});

test('a pair has as many different timesteps as asked for, or its whole trajectory in order', () => {
  const grid = inversionTimesteps(schedule, 6);
  const plan = (settings: Partial<PairTrainSettings>) =>
    planRows({ ...TINY_TRAIN, ...settings }, schedule, createRandom(3)).map(({ t }) => t);
  for (const [form, points] of [
    ['shared-noise', grid.slice(1)],
    ['transition', grid.slice(2)],
    ['endpoint', grid.slice(1)],
    ['published', grid],
  ] as const) {
    assert.deepEqual(plan({ form, rowsPerPair: 'trajectory' }), points);
    const all = plan({ form, rowsPerPair: points.length });
    assert.deepEqual(
      all.toSorted((a, b) => a - b),
      points,
      'each once',
    );
    assert.equal(new Set(plan({ form, rowsPerPair: 3 })).size, 3);
  }
  assert.deepEqual(plan({ form: 'published' }), grid);
  assert.equal(plan({ form: 'endpoint' }).length, 1);
  for (const objective of ['diffusion-dpo', 'inpo', 'sft'] as const)
    assert.equal(plan({ objective, rowsPerPair: 4 }).length, 4);
});

test('rows are at the kept timesteps alone, each of them, and at the same ones for every pair', () => {
  const grid = inversionTimesteps(schedule, 20);
  const settings = { ...TINY_TRAIN, inversionSteps: 20, keptTimesteps: 4 };
  const random = createRandom(5);
  const drawn = (more: Partial<PairTrainSettings>) =>
    [
      ...new Set(
        Array.from({ length: 200 }, () => planRows({ ...settings, ...more }, schedule, random))
          .flat()
          .map(({ t }) => grid.indexOf(t)),
      ),
    ].sort((a, b) => a - b);
  // Of points 1 to 19, and for the others of 0 to 19 and of 4 to 19, the middles of four equal parts.
  assert.deepEqual(drawn({}), [3, 8, 12, 17]);
  assert.deepEqual(drawn({ seed: 9, form: 'endpoint' }), [3, 8, 12, 17]);
  assert.deepEqual(drawn({ form: 'published' }), [2, 7, 12, 17]);
  assert.deepEqual(drawn({ form: 'transition', stride: 4 }), [6, 10, 14, 18]);
  assert.deepEqual(planRows({ ...settings, form: 'published' }, schedule, random).length, 4);
});

test('timesteps are weighed by what the released code has, or by the exact log-ratio, whatever the form (1e-12)', () => {
  const [t, s] = [0.3, 0.5];
  // (b / a)^2 of x_t = a x_s + b e, by hand: a = sqrt(0.6), b = sqrt(0.7) - sqrt(0.3).
  close(timestepWeight('b-over-a-squared', t, s), (Math.sqrt(0.7) - Math.sqrt(0.3)) ** 2 / 0.6, 1e-12, 'b/a');
  close(timestepWeight('one-over-2-alpha-bar', t, s), 1 / 0.6, 1e-12, '1/(2 aBar)');
  const grid = inversionTimesteps(schedule, 6);
  const levels = grid.map((at) => alphaBarAt(schedule, at));
  const weights = (settings: Partial<PairTrainSettings>) =>
    planRows({ ...TINY_TRAIN, rowsPerPair: 'trajectory', ...settings }, schedule, createRandom(1)).map(
      ({ weight }) => weight,
    );
  const kind = 'b-over-a-squared';
  const timestepWeights = kind;
  const sources = [schedule.finalAlphaBar, ...levels];
  const want = (first: number, source: (i: number) => number) =>
    levels.slice(first).map((level, i) => timestepWeight(kind, level, source(first + i)));
  assert.deepEqual(
    weights({ form: 'endpoint', timestepWeights }),
    want(1, () => 1),
  );
  assert.deepEqual(
    weights({ form: 'shared-noise', timestepWeights }),
    want(1, () => 1),
  );
  assert.deepEqual(
    weights({ form: 'transition', timestepWeights }),
    want(2, (i) => levels[i - 2]!),
  );
  assert.deepEqual(
    weights({ form: 'published', timestepWeights }),
    want(0, (i) => sources[i]!),
  );
  assert.deepEqual(
    weights({ form: 'published' }),
    levels.map((level) => 1 / (2 * level)),
  );
  assert.deepEqual(
    weights({ form: 'published', timestepWeights: 'none' }),
    levels.map(() => 1),
  );
  assert.deepEqual(
    weights({ form: 'endpoint' }),
    levels.slice(1).map(() => 1),
  );
});

test('the four terms with weights: those of each timestep alone, weighed and averaged (1e-6)', () => {
  const side = (seed: number) => {
    const random = createRandom(seed);
    const tensor = () => tf.tensor2d(Array.from({ length: 4 }, () => [random.normal(), random.normal()]));
    return { policy: tensor() as Tensor, reference: tensor() as Tensor, target: tensor() as Tensor };
  };
  const [winner, loser] = [side(1), side(2)];
  const alone = diffusionDpoLoss(winner, loser, { beta: 3, pairs: 4 }).inside.dataSync();
  const weights = [0.5, 2, 3, 0.1];
  const together = diffusionDpoLoss(winner, loser, { beta: 3, pairs: 2, weights: tf.tensor1d(weights) });
  for (const b of [0, 1]) {
    const want = (weights[b]! * alone[b]! + weights[b + 2]! * alone[b + 2]!) / 2;
    close(together.inside.dataSync()[b]!, want, 1e-6, `pair ${b}`);
  }
  // SmPO: certainty sharpens; at p = 0.55 it is Diffusion-DPO, at 0.5 it says nothing.
  const probabilities = tf.tensor1d([0.55, 0.5, 0.55, 1]) as Tensor;
  const soft = smpoLoss(winner, loser, { beta: 3, probabilities }).inside.dataSync();
  for (const [b, factor] of [1, 0, 1, 10].entries()) close(soft[b]!, factor * alone[b]!, 1e-5, `soft ${b}`);
});

test('soft labels follow the margins on the scale of all rewards; weights are 1 on average', () => {
  const rewards = [
    [0.9, 0.1],
    [0.5, 0.3],
    [0.4, 0.4],
  ];
  const pairs = rewards.map(([winnerReward, loserReward]) => ({
    ...tinyPairs(1)[0]!,
    ...{ winnerReward: winnerReward!, loserReward: loserReward!, margin: winnerReward! - loserReward! },
  }));
  const want = [1 / (1 + Math.exp(-1)), 1 / (1 + Math.exp(-0.25)), 0.5];
  for (const [i, p] of softLabels(pairs).entries()) close(p, want[i]!, 1e-12, `p of pair ${i}`);
  assert.deepEqual(softLabels(pairs.slice(2)), [0.5]);
  const weights = pairFactors({ rewardWeighted: true }, pairs).map(({ weight }) => weight);
  for (const [i, weight] of [2.4, 0.6, 0].entries()) close(weights[i]!, weight, 1e-12, `weight ${i}`);
  assert.deepEqual(
    pairFactors({ rewardWeighted: false }, pairs).map(({ weight }) => weight),
    [1, 1, 1],
  );
});

test('pairs that all tie cannot weigh anything', async (t) => {
  const pairs = tinyPairs(3).map((pair) => ({ ...pair, margin: 0, loserReward: 1, tie: true }));
  for (const [settings, who] of [
    [{ rewardWeighted: true }, 'train.rewardWeighted'],
    [{ objective: 'smpo' }, 'train.objective "smpo"'],
  ] as const) {
    const run = tinyRun(engine, model, await temporaryFolder(t), settings);
    await assert.rejects(trainPairs({ ...run, pairs }), {
      code: 'DIPTYCH_INVALID_INPUT',
      message: `${who} goes by the difference of rewards, and every pair's rewards are equal`,
    });
  }
});

test('the policy’s own inversion is DDIM’s with the label below, each row to its own height; ReNoise averages two predictions (1e-5)', () => {
  const images = tf.tensor2d([
    [0.3, -0.8],
    [1.1, 0.2],
  ]) as Tensor;
  const plans = [1, 2, 3, 4].map((seed) =>
    planRows({ ...TINY_TRAIN, objective: 'inpo' }, schedule, createRandom(seed)),
  );
  const ascents = plans.map(([plan]) => ({ ...plan!.ascent!, eta: 0 }));
  const heights = ascents.map(({ steps }) => steps.length);
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  assert.ok(low < high, 'two heights');
  const pick = [low, high].map((height) => ascents[heights.indexOf(height)]!);
  const levels = pick.map(({ steps }) => steps.at(-1)!.to);
  const predict = (x: Tensor, t: number): Tensor => x.mul(0.7).add(t / 1000);
  const { states, targets } = selfInverted(tf, predict, images, pick, levels);
  const below = (x: Tensor, t: number) => predict(x, t - gridStep(schedule, 6));
  const want = invert(engine, schedule, below, images, 6).states.map(
    (state) => state.arraySync() as number[][],
  );
  const got = states.arraySync() as number[][];
  for (const [row, height] of [low, high].entries())
    for (const i of [0, 1]) close(got[row]![i]!, want[height]![row]![i]!, 1e-5, `row ${row}`);
  const noise = endpointNoise(tf, states, images, levels).dataSync();
  assert.deepEqual([...targets.dataSync()], [...noise]);

  const [step] = [{ t: 500, from: 0.8, to: 0.5 }];
  const one: Ascent = { steps: [step], renoise: true, eta: 0, seed: 1 };
  const climbed = selfInverted(tf, predict, images, [one, one], [0.5, 0.5]).states.dataSync();
  const [a, b] = [Math.sqrt(0.5 / 0.8), Math.sqrt(0.5) - Math.sqrt(0.5 / 0.8) * Math.sqrt(0.2)];
  for (const [i, x] of images.dataSync().entries()) {
    const first = 0.7 * x + 0.5;
    const second = 0.7 * (a * x + b * first) + 0.5;
    close(climbed[i]!, a * x + (b * (first + second)) / 2, 1e-5, `value ${i}`);
  }
});

test('InPO’s inversion adds a tenth of DDIM’s noise, the same again from the same seed (5%)', () => {
  const images = tf.zeros([1, 20_000]) as Tensor;
  const ascent: Ascent = { steps: [{ t: 500, from: 0.8, to: 0.5 }], renoise: false, eta: 0.1, seed: 7 };
  const rise = (seed: number) =>
    selfInverted(tf, (x) => x, images, [{ ...ascent, seed }], [0.5]).states.dataSync();
  const values = rise(7);
  const deviation = Math.hypot(...values) / Math.sqrt(values.length);
  const want = 0.1 * Math.sqrt((0.2 / 0.5) * (1 - 0.5 / 0.8));
  close(deviation, want, 0.05 * want, 'deviation');
  assert.deepEqual(rise(7), values);
  assert.notDeepEqual(rise(8), values);
});

test('micro-batches give the step of the whole batch (1e-5)', async (t) => {
  const settings = { pairsPerStep: 4, steps: 1, rewardWeighted: true, weightDecay: 0 };
  const [whole, parts] = [
    await trained(t, { ...settings, accumulate: 1 }),
    await trained(t, { ...settings, accumulate: 4 }),
  ];
  // Adam's first moment after one step is a tenth of the clipped gradient.
  const norm = Math.hypot(...whole.state.m!);
  const difference = Math.hypot(...whole.state.m!.map((x, i) => x - parts.state.m![i]!));
  assert.ok(norm > 0.09 && difference < 1e-5 * norm, `difference ${difference / norm}`);
  for (const field of ['loss', 'gradNorm', 'winnerError', 'loserError', 'accuracy'] as const) {
    const want = whole.telemetry[0]![field];
    close(parts.telemetry[0]![field], want, 1e-5 * Math.max(1e-3, Math.abs(want)), field);
  }
});

test('memory holds the activations of one micro-batch', () => {
  const specs = [{ name: 'w', shape: [8, 8], kind: 'linear' as const }];
  const start = { w: { shape: [8, 8], dtype: 'float32' as const, data: new Float32Array(64).fill(0.1) } };
  // What lives inside a graph is not counted.
  const flat = createFlatParameters({ ...engine, traces: false }, specs, start);
  const step = flat.stepper((weights, ones: Tensor) => {
    let x = ones;
    for (let layer = 0; layer < 4; layer++) x = tf.matMul(x as never, weights.w as never).tanh();
    return { loss: x.mean() as Tensor };
  });
  const rows = (count: number): Tensor => tf.ones([count, 8]);
  const peak = (inputs: Tensor[]) => peakBytes(tf, () => step(inputs, 0)).bytes;
  const whole = peak([rows(8000)]);
  const inParts = peak([rows(2000), rows(2000), rows(2000), rows(2000)]);
  assert.ok(inParts < 0.3 * whole, `${inParts} of ${whole} bytes`);
  flat.dispose();
});

test('frozen parts stay bit for bit, all others move; patterns must name something', async (t) => {
  const freeze = ['conv_in.*', '*.time_emb_proj.*', 'conv_norm_out.bias'];
  const { weights } = await trained(t, { freeze });
  const still = Object.keys(base).filter((name) =>
    Buffer.from(weights[name]!.data.buffer).equals(Buffer.from(base[name]!.data.buffer)),
  );
  const frozen = (name: string) => /^conv_in\.|\.time_emb_proj\.|^conv_norm_out\.bias$/.test(name);
  assert.deepEqual(still.sort(), Object.keys(base).filter(frozen).sort());
  assert.ok(still.length > 3 && !still.includes('conv_norm_out.weight'));
  for (const [patterns, message] of [
    [
      ['conv_i'],
      'train.freeze has "conv_i", which no parameter of the UNet is named like; "conv_in.weight" is one',
    ],
    [['*'], 'train.freeze leaves no parameter to train'],
  ] as const) {
    const run = tinyRun(engine, model, await temporaryFolder(t), { freeze: [...patterns] });
    await assert.rejects(trainPairs(run), { code: 'DIPTYCH_INVALID_INPUT', message });
  }
});

test('the tuned model is the average of the weights after each step, the decay rising to what is set (1e-6)', async (t) => {
  const name = 'conv_in.weight';
  const after = await Promise.all(
    [1, 2, 3].map(async (steps) => (await trained(t, { steps })).weights[name]!.data),
  );
  const { weights } = await trained(t, { steps: 3, ema: 0.26 });
  // (1 + t) / (10 + t) is 2/11 and 3/12 in the first two steps, 4/13 and so above the set decay in the third.
  const decays = [2 / 11, 3 / 12, 0.26];
  for (const [i, start] of base[name]!.data.entries()) {
    const want = decays.reduce((average, d, step) => d * average + (1 - d) * after[step]![i]!, start);
    close(weights[name]!.data[i]!, want, 1e-6, `value ${i}`);
  }
});

test('Adafactor keeps no first moment and moves the weights otherwise than AdamW', async (t) => {
  const [factored, plain] = [await trained(t, { optimizer: 'adafactor' }), await trained(t, {})];
  assert.equal(factored.state.m!.length, 0);
  assert.ok(factored.state.v!.length < plain.state.v!.length);
  const name = 'conv_in.weight';
  for (const other of [plain.weights, base])
    assert.notDeepEqual(factored.weights[name]!.data, other[name]!.data);
});

test('a cosine falls from the rate after the warm-up towards 0, which it does not reach', () => {
  const settings = { ...DEFAULT_TRAIN, schedule: 'cosine', learningRate: 2, warmUp: 2, steps: 6 } as const;
  const rates = [1, 2, 3, 4, 5, 6].map((step) => learningRateAt(settings, step));
  const want = [1, 2, 2, 1 + Math.SQRT1_2, 1, 1 - Math.SQRT1_2];
  for (const [i, rate] of rates.entries()) close(rate, want[i]!, 1e-12, `step ${i + 1}`);
});

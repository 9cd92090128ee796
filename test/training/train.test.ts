/** The training loop on a tiny model: every objective, what a step does, what is told on the way, what is refused. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { seededNoise } from '../../src/diffusion/noise.ts';
import { parseSchedule } from '../../src/diffusion/schedule.ts';
import { adamW } from '../../src/engine/adamw.ts';
import { openEngine } from '../../src/engine/engine.ts';
import { createFlatParameters } from '../../src/engine/flat-parameters.ts';
import type { HostTensor } from '../../src/engine/safetensors.ts';
import { toHost, type Weights } from '../../src/engine/weights.ts';
import type {} from '../../src/models/folders/model-folder.ts';
import { textPrompt } from '../../src/models/inputs/prompt.ts';
import { encodeEmpty, encodePrompts, repeated } from '../../src/models/inputs/text-condition.ts';
import { type TextCondition, unetForward } from '../../src/models/unet/unet.ts';
import { pairBatch } from '../../src/preference/pairs.ts';
import { createRandom, hashSeed } from '../../src/random.ts';
import { OBJECTIVE } from '../../src/training/pairs/objective.ts';
import { preferenceStep } from '../../src/training/pairs/step.ts';
import { disposeRows, type StepRows } from '../../src/training/pairs/step-rows.ts';
import {
  DEFAULT_TRAIN,
  INVERSION_FORMS,
  learningRateAt,
  PAIR_OBJECTIVES,
  type PairTrainSettings,
  type TrainSettings,
} from '../../src/training/settings.ts';
import { type TrainOptions, type TrainProgress, trainPairs } from '../../src/training/train.ts';
import { temporaryFolder } from '../temporary.ts';
import {
  SIDE,
  TINY_TRAIN,
  telemetryOf,
  tinyCandidates,
  tinyImage,
  tinyModel,
  tinyPairs,
  tinyRun,
  tunedWeights,
} from './tiny.ts';

const engine = await openEngine();
const { tf } = engine;
const model = await tinyModel(engine, await temporaryFolder({ after }));
const base = await tunedWeights(model.folder, '.');
const ROW = 3 * SIDE * SIDE;

type Kind = Pick<PairTrainSettings, 'objective' | 'form'>;
const KINDS: Kind[] = PAIR_OBJECTIVES.flatMap((objective) =>
  (objective === 'inversion-dpo' ? INVERSION_FORMS : [DEFAULT_TRAIN.form]).map((form) => ({
    objective,
    form,
  })),
);
const nameOf = ({ objective, form }: Kind) => (objective === 'inversion-dpo' ? form : objective);
/** Where beta weighs the preference against another term, it must be small. */
const smallBeta = ({ objective }: Kind, beta: number) =>
  Math.min(beta, OBJECTIVE[objective].largestBeta ?? beta);
const isSaddle = ({ objective, form }: Kind) =>
  objective === 'inversion-dpo' && (form === 'published' || form === 'negated');

/** Trains in a folder of the test's own; the telemetry, and whether the weights are no longer the base's. */
async function trained(
  t: { after(clean: () => Promise<void>): void },
  settings: Partial<TrainSettings>,
  more: Partial<TrainOptions> = {},
) {
  const folder = await temporaryFolder(t);
  await trainPairs({ ...tinyRun(engine, model, folder, settings), ...more });
  const weights = await tunedWeights(folder);
  return { folder, weights, telemetry: await telemetryOf(folder), moved: !weights.equals(base) };
}

const close = (got: number, want: number, tolerance: number, what: string) =>
  assert.ok(Math.abs(got - want) <= tolerance, `${what}: ${got} against ${want}`);

test('all objectives and forms of the settings are tried here', () => {
  assert.deepEqual(KINDS.map(nameOf), [...INVERSION_FORMS, ...PAIR_OBJECTIVES.slice(1)]);
});

for (const kind of KINDS) {
  test(`${nameOf(kind)}: two finite steps; the first has no error against the reference, and where it is a sigmoid's, loss ln 2 (1e-7)`, async (t) => {
    const { telemetry, moved } = await trained(t, { ...kind, beta: smallBeta(kind, 20), weightDecay: 0 });
    assert.deepEqual(
      telemetry.map(({ step }) => step),
      [1, 2],
    );
    const rows = TINY_TRAIN.pairsPerStep * (isSaddle(kind) ? TINY_TRAIN.inversionSteps : 1);
    for (const { buckets, ...numbers } of telemetry) {
      for (const [field, value] of Object.entries(numbers)) assert.ok(Number.isFinite(value), field);
      assert.equal(
        buckets.reduce((sum, bucket) => sum + bucket.rows, 0),
        rows,
      );
    }
    const [first, second] = telemetry as [(typeof telemetry)[0], (typeof telemetry)[0]];
    const atReference = { kto: 0.5, mapo: null, dspo: null, sft: null }[nameOf(kind) as string];
    if (atReference !== null) close(first.loss, atReference ?? Math.LN2, 1e-7, 'loss of the first step');
    assert.deepEqual([first.winnerError, first.loserError], [0, 0]);
    // MaPO orders pairs without the reference.
    if (kind.objective !== 'mapo') assert.equal(first.accuracy, 0.5);
    assert.deepEqual([first.margin, second.margin], [0, second.winnerError - second.loserError]);
    if (isSaddle(kind)) {
      assert.deepEqual([first.gradNorm, second.gradNorm, second.loss], [0, 0, first.loss]);
      assert.equal(first.updateNorm, 0);
      assert.ok(!moved, 'a gradient of zero moved the weights');
    } else {
      assert.ok(first.gradNorm > 0.1 && first.updateNorm > 0, `gradient ${first.gradNorm}`);
      assert.ok(second.loss !== first.loss && second.winnerError !== 0 && second.loserError !== 0);
      assert.ok(moved);
    }
  });
}

test('only weight decay moves the published form, by exactly the decay at first (1e-6)', async (t) => {
  const settings = { form: 'published', steps: 1, warmUp: 1, weightDecay: 0.5, learningRate: 0.1 } as const;
  const { telemetry, weights } = await trained(t, settings);
  assert.equal(telemetry[0]!.gradNorm, 0);
  // Headers are equal, so values lie at equal places behind them.
  const start = 8 + Number(base.readBigUInt64LE(0));
  for (let at = start; at < base.length; at += 4) {
    const want = base.readFloatLE(at) * (1 - 0.1 * 0.5);
    close(weights.readFloatLE(at), want, 1e-6 * Math.max(1, Math.abs(want)), `byte ${at}`);
  }
});

/** A step's batch: three pairs with states and targets of pure noise, and a policy beside the reference. */
function stepBatch(kind: Kind) {
  const pairs = 3;
  const k = isSaddle(kind) ? 2 : 1;
  const noise = (label: string) =>
    seededNoise(
      tf,
      Array.from({ length: k * pairs }, (_, i) => hashSeed('step test', label, i)),
      [SIDE, SIDE, 3],
    );
  const schedule = parseSchedule(model.scheduler);
  const timesteps = Array.from({ length: k * pairs }, (_, i) => 101 + 131 * i);
  const levels = timesteps.map((t) => schedule.alphaBar[t]!);
  const rows: StepRows = {
    winner: noise('winner'),
    loser: noise('loser'),
    winnerTarget: isSaddle(kind) ? null : noise('winner target'),
    loserTarget: isSaddle(kind) ? null : noise('loser target'),
    timesteps,
    levels,
    weights: isSaddle(kind) ? levels.map((level) => 1 / (2 * level)) : levels.map(() => 1),
    ascents: null,
  };
  const condition = encodePrompts(
    engine,
    model,
    ['red circle', 'blue square', 'green cross'].map(textPrompt),
  );
  const empty = encodeEmpty(engine, model);
  const host = toHost(model.unet.weights, model.unet.specs);
  const random = createRandom(11);
  const beside = Object.fromEntries(
    Object.entries(host).map(([name, { data, ...rest }]): [string, HostTensor] => [
      name,
      { ...rest, data: Float32Array.from(data, (x) => x + 0.02 * random.normal()) },
    ]),
  );
  const policy = (values: typeof beside) =>
    createFlatParameters(engine, model.unet.specs, values, { optimizer: adamW({ weightDecay: 0 }) });
  const factors = [1, 0.5, 1.5].map((weight) => ({ weight, probability: (2 + weight) / 4 }));
  return { pairs, k, rows, condition, empty, factors, beside, policy };
}

type Batch = ReturnType<typeof stepBatch>;

/** Noise predictions by row, from the network alone; guidance is worked out here, in float64. */
function predictions(weights: Weights, batch: Batch, side: 'winner' | 'loser', guidance: number): number[][] {
  const { rows, condition, empty, pairs, k } = batch;
  const run = (of: TextCondition) =>
    tf.tidy(() => {
      const t = tf.tensor1d(rows.timesteps, 'float32');
      return unetForward(engine, model.unet.config, weights, rows[side], t, of).dataSync();
    });
  const prompted = run(repeated(tf, condition, k));
  const without = run(repeated(tf, empty, k * pairs));
  const values = Array.from(prompted, (x, i) => without[i]! + guidance * (x - without[i]!));
  return Array.from({ length: k * pairs }, (_, r) => values.slice(r * ROW, (r + 1) * ROW));
}

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
const meanSquare = (a: readonly number[], b: readonly number[]) =>
  mean(a.map((x, i) => (x - b[i]!) * (x - b[i]!)));

/** Loss, accuracy and errors of a batch as the formulas of docs/training.md have them, in float64. */
function formula(kind: Kind, batch: Batch, weights: Weights, beta: number, guidance: number) {
  const { rows, pairs, k } = batch;
  const perSide = (['winner', 'loser'] as const).map((side) => {
    const policy = predictions(weights, batch, side, guidance);
    const reference = predictions(model.unet.weights, batch, side, guidance);
    const targets = rows[`${side}Target`]?.dataSync();
    const errors = policy.map((prediction, r) => {
      if (!targets) return meanSquare(prediction, reference[r]!);
      const target = [...targets.slice(r * ROW, (r + 1) * ROW)];
      return meanSquare(prediction, target) - meanSquare(reference[r]!, target);
    });
    const policyErrors = policy.map((prediction, r) =>
      meanSquare(prediction, targets ? [...targets.slice(r * ROW, (r + 1) * ROW)] : reference[r]!),
    );
    const ofPair = (values: number[]) =>
      Array.from({ length: pairs }, (_, b) => mean(values.filter((_, r) => r % pairs === b)));
    const weighted = targets ? errors : errors.map((error, r) => error / (2 * rows.levels[r]!));
    return {
      policy,
      reference,
      targets,
      policyErrors,
      rows: errors,
      errors: ofPair(errors),
      terms: ofPair(weighted),
    };
  });
  const [winner, loser] = perSide as [(typeof perSide)[0], (typeof perSide)[0]];
  const sign = isSaddle(kind) && kind.form === 'published' ? 1 : -1;
  // SmPO's pairs have a beta each.
  const betas = batch.factors.map(({ probability: p }) =>
    kind.objective === 'smpo' ? 10 * beta * (2 * p - 1) : beta,
  );
  const fourTerms = winner.terms.map((term, b) => sign * 0.5 * betas[b]! * (term - loser.terms[b]!));
  const [gains, losses] = [winner.errors.map((e) => -e), loser.errors.map((e) => -e)];
  const kl = Math.max(0, mean([...gains, ...losses]));
  const phi = (m: number) => (0.5 * m) / Math.expm1(0.5 * m);
  const margins = winner.policyErrors.map((m, b) => 1000 * (phi(m) - phi(loser.policyErrors[b]!)));
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const logSigmoid = (x: number) => -Math.log1p(Math.exp(-x));
  /** DSPO's residual of a winner, at every pixel. */
  const residual = (b: number) =>
    winner.policy[b]!.map((x, i) => {
      const pull = beta * sigmoid(-fourTerms[b]!) * (x - winner.reference[b]![i]!);
      return x - winner.targets![b * ROW + i]! - pull;
    });
  const perPair: Record<string, (b: number) => number> = {
    kto: (b) => (sigmoid(-beta * (gains[b]! - kl)) + sigmoid(beta * (losses[b]! - kl))) / 2,
    mapo: (b) => winner.policyErrors[b]! - beta * logSigmoid(margins[b]!),
    dspo: (b) => mean(residual(b).map((x) => x * x)),
    sft: (b) => winner.policyErrors[b]!,
  };
  const ofPair = perPair[kind.objective] ?? ((b: number) => -logSigmoid(fourTerms[b]!));
  const change = winner.errors.map((error, b) => loser.errors[b]! - error);
  const insides: Partial<Record<string, number[]>> = { mapo: margins, kto: change, sft: change };
  const inside = insides[nameOf(kind)] ?? fourTerms;
  return {
    loss: mean(batch.factors.map(({ weight }, b) => weight * ofPair(b))),
    accuracy: mean(inside.map((x) => Number(x > 0))),
    winnerPolicyError: mean(winner.policyErrors),
    loserPolicyError: mean(loser.policyErrors),
    winnerError: mean(winner.errors),
    loserError: mean(loser.errors),
    rows: {
      inside: Array.from({ length: k * pairs }, (_, r) => inside[r % pairs]!),
      winnerError: winner.rows,
      loserError: loser.rows,
    },
  };
}

for (const kind of KINDS) {
  for (const guidance of [1, 3]) {
    test(`${nameOf(kind)} at guidance ${guidance}: a step reports what the formulas give (1e-4)`, () => {
      const batch = stepBatch(kind);
      const policy = batch.policy(batch.beside);
      const settings = { ...DEFAULT_TRAIN, ...kind, beta: smallBeta(kind, 100), guidance };
      const weights = policy.weights();
      const want = formula(kind, batch, weights, settings.beta, guidance);
      const models = { config: model.unet.config, policy, reference: model.unet.weights };
      const got = preferenceStep(engine, models, settings)([batch], 1e-3);
      const within = (got: number, want: number, what: string) =>
        close(got, want, 1e-4 * Math.max(0.1, Math.abs(want)), what);
      const fields = ['loss', 'winnerPolicyError', 'loserPolicyError', 'winnerError', 'loserError'] as const;
      for (const field of fields) within(got[field], want[field], field);
      assert.deepEqual(got.rows.timesteps, batch.rows.timesteps);
      for (const field of ['inside', 'winnerError', 'loserError'] as const) {
        assert.equal(got.rows[field].length, want.rows[field].length);
        for (const [r, value] of want.rows[field].entries())
          within(got.rows[field][r]!, value, `${field} of row ${r}`);
      }
      close(got.accuracy, want.accuracy, 1e-6, 'accuracy');
      assert.ok(got.gradNorm > 0);
      disposeRows(batch.rows);
      tf.dispose([batch.condition, batch.empty, weights]);
      policy.dispose();
    });
  }
}

// KTO holds a number that moves with the weights for a constant: objectives.test.ts has its gradient.
for (const kind of KINDS.filter(({ objective }) => objective !== 'kto')) {
  test(`${nameOf(kind)}: the loss rises along the step's gradient by its norm (finite difference, 2e-2)`, () => {
    const batch = stepBatch(kind);
    const settings = { ...DEFAULT_TRAIN, guidance: 1, ...kind, beta: smallBeta(kind, 100) };
    const models = (policy: ReturnType<Batch['policy']>) => ({
      config: model.unet.config,
      policy,
      reference: model.unet.weights,
    });
    const policy = batch.policy(batch.beside);
    const { parameters } = policy.state();
    const { gradNorm } = preferenceStep(engine, models(policy), settings)([batch], 0);
    // Adam's first moment after one step from zero is a tenth of the gradient.
    const gradient = policy.state().m.map((m) => m * 10);
    close(Math.hypot(...gradient), gradNorm, 1e-3 * gradNorm, 'norm of the gradient');
    const lossAt = (distance: number) => {
      const moved = parameters.map((p, i) => p + (distance * gradient[i]!) / gradNorm);
      const zeros = new Float32Array(moved.length);
      const state = { step: 0, parameters: moved, m: zeros, v: zeros };
      const flat = createFlatParameters(engine, model.unet.specs, state, {
        optimizer: adamW({ weightDecay: 0 }),
      });
      const { loss } = preferenceStep(engine, models(flat), settings)([batch], 0);
      flat.dispose();
      return loss;
    };
    const h = 2e-3;
    const slope = (lossAt(h) - lossAt(-h)) / (2 * h);
    close(slope, gradNorm, 2e-2 * gradNorm, 'slope');
    disposeRows(batch.rows);
    tf.dispose([batch.condition, batch.empty]);
    policy.dispose();
  });
}

for (const objective of ['inversion-dpo', 'diffusion-dpo', 'inpo'] as const) {
  test(`${objective}: on one pair the model learns the order, accuracy over 0.9 in the last 20 of 40 steps`, async (t) => {
    const settings = { objective, steps: 40, learningRate: 3e-4, beta: 50, pairsPerStep: 4, seed: 5 };
    const { telemetry } = await trained(t, settings, {
      pairs: tinyPairs(1),
      candidates: tinyCandidates(2),
    });
    const share = (part: typeof telemetry) => mean(part.map(({ accuracy }) => accuracy));
    const late = telemetry.slice(-20);
    assert.equal(telemetry[0]!.accuracy, 0.5);
    assert.ok(share(late) > 0.9, `accuracy ${share(late)}`);
    assert.ok(mean(late.map(({ loss }) => loss)) < 0.5 * Math.LN2);
    assert.ok(late.every(({ winnerError, loserError }) => loserError > winnerError));
  });
}

test('guidance other than 1 runs, and trains another model', async (t) => {
  const [plain, guided] = [await trained(t, { beta: 20 }), await trained(t, { beta: 20, guidance: 2 })];
  assert.ok(guided.telemetry.every(({ loss }) => Number.isFinite(loss)));
  close(guided.telemetry[0]!.loss, Math.LN2, 1e-7, 'loss of the first step');
  assert.ok(guided.moved && !guided.weights.equals(plain.weights));
  assert.notEqual(guided.telemetry[0]!.gradNorm, plain.telemetry[0]!.gradNorm);
});

test('the learning rate rises in a line from the first step and then stays', async (t) => {
  const settings = { ...DEFAULT_TRAIN, learningRate: 4e-4, warmUp: 4 };
  for (const [step, want] of [
    [1, 1e-4],
    [2, 2e-4],
    [3, 3e-4],
    [4, 4e-4],
    [5, 4e-4],
    [1000, 4e-4],
  ] as const)
    close(learningRateAt(settings, step), want, 1e-15, `step ${step}`);
  for (const warmUp of [0, 1]) assert.equal(learningRateAt({ ...settings, warmUp }, 1), 4e-4);
  const { telemetry } = await trained(t, { learningRate: 4e-4, warmUp: 4, beta: 20 });
  assert.deepEqual(
    telemetry.map(({ learningRate }) => learningRate),
    [1, 2].map((step) => learningRateAt(settings, step)),
  );
});

test('progress counts up to the total in both phases, over the candidates that pairs mention', async (t) => {
  const seen: TrainProgress[] = [];
  await trained(
    t,
    { objective: 'diffusion-dpo', steps: 3, beta: 20 },
    {
      candidates: tinyCandidates(80),
      pairs: tinyPairs(33),
      onProgress: (progress) => void seen.push(progress),
    },
  );
  assert.deepEqual(
    seen.map(({ phase, done, total }) => [phase, done, total]),
    [
      ['invert', 32, 66],
      ['invert', 64, 66],
      ['invert', 66, 66],
      ['train', 1, 3],
      ['train', 2, 3],
      ['train', 3, 3],
    ],
  );
  const last = seen.at(-1)!;
  assert.ok(last.phase === 'train' && last.telemetry.step === 3 && last.telemetry.seconds > 0);
});

test('the pairs of a step are those of pairBatch: a function of seed and step', async (t) => {
  const pairs = tinyPairs(5);
  const candidates = tinyCandidates(10).map((candidate, i) => ({
    ...candidate,
    prompt: textPrompt(`pair ${i >> 1}`),
  }));
  const settings = { objective: 'diffusion-dpo', steps: 4, pairsPerStep: 3, beta: 20, seed: 8 } as const;
  const asked: string[] = [];
  const [encoder] = model.texts;
  const { tokenizer } = encoder!;
  const encode = (text: string) => {
    if (text) asked.push(text);
    return tokenizer.encode(text);
  };
  const spied = { ...model, texts: [{ ...encoder!, tokenizer: { ...tokenizer, encode } }] };
  await trained(t, settings, { pairs, candidates, model: spied });
  const want = [0, 1, 2, 3].flatMap((cursor) => pairBatch(5, 3, 8, cursor).map((i) => `pair ${i}`));
  assert.deepEqual(asked, want);
});

test('another seed trains another model, the same seed the same bits', async (t) => {
  const first = await trained(t, { beta: 20 });
  assert.ok((await trained(t, { beta: 20 })).weights.equals(first.weights));
  assert.ok(!(await trained(t, { beta: 20, seed: 2 })).weights.equals(first.weights));
});

test('without pairs a run is refused before it writes anything', async (t) => {
  const folder = path.join(await temporaryFolder(t), 'run');
  await assert.rejects(trainPairs({ ...tinyRun(engine, model, folder), pairs: [] }), {
    code: 'DIPTYCH_INVALID_INPUT',
    message:
      'there are no pairs to train on: every difference of rewards is within the margin. Lower `pairs.margin`.',
  });
  assert.ok(!existsSync(folder));
});

test('a model that predicts velocity is refused before it is trained', async (t) => {
  const folder = path.join(await temporaryFolder(t), 'run');
  const scheduler = { ...model.scheduler, prediction_type: 'v_prediction' };
  await assert.rejects(trainPairs(tinyRun(engine, { ...model, scheduler }, folder)), {
    code: 'DIPTYCH_BAD_MODEL',
    message: 'the model predicts "v_prediction"; preference training needs "epsilon"',
  });
  assert.ok(!existsSync(folder));
});

test('a candidate of another size is refused, whatever the objective', async (t) => {
  for (const objective of PAIR_OBJECTIVES) {
    const candidates = tinyCandidates(6);
    candidates[3]!.load = async () => tinyImage(3, 2 * SIDE);
    const run = tinyRun(engine, model, await temporaryFolder(t), { objective, beta: 0.1 });
    await assert.rejects(trainPairs({ ...run, candidates }), {
      code: 'DIPTYCH_INVALID_INPUT',
      message: 'a candidate is 16 x 16 pixels, the model works at 8 x 8',
    });
  }
});

test('an image that cannot be loaded ends the run with its own error', async (t) => {
  const candidates = tinyCandidates(6);
  candidates[5]!.load = () => Promise.reject(new Error('no such blob'));
  const run = tinyRun(engine, model, await temporaryFolder(t));
  await assert.rejects(trainPairs({ ...run, candidates }), { message: 'no such blob' });
});

test('more inversion steps than the schedule has levels are refused', async (t) => {
  const run = tinyRun(engine, model, await temporaryFolder(t), { inversionSteps: 1001 });
  await assert.rejects(trainPairs(run), {
    code: 'DIPTYCH_INVALID_INPUT',
    message: 'steps is 1001; it must be a whole number from 1 to 1000',
  });
});

test('a loss that is no number ends the run at its step, which leaves no telemetry and no checkpoint', async (t) => {
  const folder = await temporaryFolder(t);
  const settings = { learningRate: 1e30, warmUp: 0, steps: 5, checkpointEvery: 2 };
  await assert.rejects(trainPairs(tinyRun(engine, model, folder, settings)), {
    code: 'DIPTYCH_INVALID_INPUT',
    message: 'the loss is NaN at step 2; lower `learningRate` (1e+30) or `beta` (2000)',
  });
  assert.deepEqual(
    (await telemetryOf(folder)).map(({ step }) => step),
    [1],
  );
  assert.ok(!existsSync(path.join(folder, 'checkpoints')) && !existsSync(path.join(folder, 'model')));
});

/** Objectives that learn from what the policy draws: rounds, what a step is, what is learnt, stopping and going on. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { seededNoise } from '../../src/diffusion/noise.ts';
import { parseSchedule, samplingTimesteps } from '../../src/diffusion/schedule.ts';
import { factorsPerRow } from '../../src/diffusion/step-density.ts';
import { adamW } from '../../src/engine/adamw.ts';
import { openEngine } from '../../src/engine/engine.ts';
import { createFlatParameters } from '../../src/engine/flat-parameters.ts';
import { toHost } from '../../src/engine/weights.ts';
import { textPrompt } from '../../src/models/inputs/prompt.ts';
import { encodeEmpty, encodePrompts } from '../../src/models/inputs/text-condition.ts';
import type { Judge } from '../../src/training/judge.ts';
import { sceneAdvantages } from '../../src/training/on-policy/advantages.ts';
import { ON_POLICY } from '../../src/training/on-policy/objective.ts';
import { drawRound, noisySteps } from '../../src/training/on-policy/round.ts';
import { type OnPolicyBatch, onPolicyStep } from '../../src/training/on-policy/step.ts';
import { DEFAULT_TRAIN, ON_POLICY_OBJECTIVES, type TrainSettings } from '../../src/training/settings.ts';
import type { OnPolicyTelemetry } from '../../src/training/telemetry/telemetry.ts';
import { type TrainOptions, type TrainProgress, trainPairs } from '../../src/training/train.ts';
import { temporaryFolder } from '../temporary.ts';
import { assertSameRun, killed } from './interrupted.ts';
import {
  checkpointsOf,
  likesBright,
  SIDE,
  TINY_SCENES,
  telemetryOf,
  tinyModel,
  tinyRun,
  tunedWeights,
} from './tiny.ts';

const engine = await openEngine();
const { tf } = engine;
const model = await tinyModel(engine, await temporaryFolder({ after }));
const schedule = parseSchedule(model.scheduler);
const { specs, config, weights: reference } = model.unet;

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
const close = (got: number, want: number, tolerance: number, what: string) =>
  assert.ok(Math.abs(got - want) <= tolerance, `${what}: ${got} against ${want}`);

/** Nothing that an on-policy objective needs none of. */
const ALONE = { candidates: [], pairs: [] };
/** Rounds that are learnt from once, by most of their sampling steps. */
const RAISING = {
  ...{ beta: 1, pairsPerStep: 16, rowsPerPair: 4, steps: 40, checkpointEvery: 1000 },
  onPolicy: { samplingSteps: 6, scenesPerRound: 16, stepsPerRound: 1 },
};
const LORA = { rank: 4, convolutions: true };
const RISES = {
  'ddpo, all weights': { objective: 'ddpo', learningRate: 3e-3 },
  'ddpo, a LoRA': { objective: 'ddpo', learningRate: 1e-2, lora: LORA },
  'd3po, all weights': { objective: 'd3po', learningRate: 3e-3 },
  'd3po, a LoRA': { objective: 'd3po', learningRate: 2e-3, lora: LORA },
} satisfies Record<string, Partial<TrainSettings>>;

/** Rounds of three steps: 1 to 3, 4 to 6, and 7 and 8 alone. Three scenes, so each has 16 rewards in the third. */
const ROUNDS = {
  ...{ steps: 8, checkpointEvery: 2, warmUp: 4, weightDecay: 0.1, learningRate: 1e-3 },
  onPolicy: { samplingSteps: 4, scenesPerRound: 9, stepsPerRound: 3 },
};

async function trained(t: TestContext, settings: Partial<TrainSettings>, more: Partial<TrainOptions> = {}) {
  const folder = await temporaryFolder(t);
  await trainPairs({ ...tinyRun(engine, model, folder, settings), ...ALONE, ...more });
  return { folder, telemetry: await telemetryOf<OnPolicyTelemetry>(folder) };
}

for (const [name, settings] of Object.entries(RISES)) {
  test(`${name}: the policy draws brighter images where those are rewarded`, async (t) => {
    const { telemetry } = await trained(t, { ...RAISING, ...settings });
    const rewards = telemetry.map(({ reward }) => reward);
    const [first, last] = [mean(rewards.slice(0, 5)), mean(rewards.slice(-5))];
    assert.ok(last > first + 0.03, `mean reward ${first}, then ${last}`);
  });
}

test('the first step on a round sees the policy that drew it: ratios of 1, the loss of DDPO minus the mean advantage', async (t) => {
  const onPolicy = { samplingSteps: 4, scenesPerRound: 2, stepsPerRound: 2 };
  // Four images with noise in three steps, all in one optimizer step: advantages over a round add up to 0.
  const settings = { objective: 'ddpo', steps: 4, pairsPerStep: 6, onPolicy, guidance: 2 } as const;
  const { telemetry } = await trained(t, settings);
  for (const { loss, clipped, gradNorm } of [telemetry[0]!, telemetry[2]!]) {
    close(loss, 0, 1e-4, 'loss');
    assert.equal(clipped, 0);
    assert.ok(gradNorm > 1e-3);
  }
  assert.ok(telemetry[1]!.clipped > 0 && telemetry[3]!.clipped > 0, 'the policy did not move');
});

test('D3PO begins at the reference: ln 2, an accuracy of a half, no ratio at its limit', async (t) => {
  const { telemetry } = await trained(t, { objective: 'd3po', beta: 1, ...ROUNDS });
  const { loss, accuracy, clipped, gradNorm } = telemetry[0]!;
  close(loss, Math.LN2, 1e-6, 'loss');
  assert.deepEqual([accuracy, clipped], [0.5, 0]);
  assert.ok(gradNorm > 1e-3 && telemetry[1]!.loss !== loss);
});

test('telemetry has what there is, and the reward of a round in each of its steps', async (t) => {
  for (const objective of ON_POLICY_OBJECTIVES) {
    const { telemetry } = await trained(t, { objective, beta: 1, ...ROUNDS });
    const common = [
      'clipped',
      'gradNorm',
      'learningRate',
      'loss',
      'policyEvaluations',
      'referenceEvaluations',
    ];
    const fields = [...common, 'reward', 'step', 'updateNorm'];
    const own = objective === 'd3po' ? ['accuracy'] : [];
    for (const entry of telemetry) assert.deepEqual(Object.keys(entry).sort(), [...own, ...fields]);
    // Two pairs' worth of rows, and in the first step of a round 18 images in 4 steps; DDPO asks no reference.
    assert.deepEqual(
      telemetry.map(({ policyEvaluations }) => policyEvaluations - 4),
      [72, 0, 0, 72, 0, 0, 72, 0],
    );
    for (const { referenceEvaluations } of telemetry)
      assert.equal(referenceEvaluations, objective === 'd3po' ? 4 : 0);
    const rewards = telemetry.map(({ reward }) => reward);
    assert.deepEqual(new Set(rewards.slice(0, 3)).size, 1);
    assert.deepEqual(new Set(rewards).size, 3);
  }
});

test('a round is drawn as asked: each scene twice, all steps with noise, the noise of its seeds alone', async () => {
  const drawings = [1, 2].flatMap((n) =>
    [0, 1].map((image) => ({ scene: TINY_SCENES[n]!, startSeed: n, stepSeed: 10 * n + image })),
  );
  const progress: string[] = [];
  const judged: number[] = [];
  const draw = (of: typeof drawings) =>
    drawRound({
      ...{ engine, model, weights: reference, schedule, drawings: of, samplingSteps: 5, guidance: 1 },
      async judge(scenes, images) {
        judged.push(images.length);
        assert.deepEqual(
          scenes,
          of.map(({ scene }) => scene),
        );
        return likesBright(scenes, images);
      },
      onProgress: (done, total) => void progress.push(`${done}/${total}`),
    });
  const before = tf.memory().numTensors;
  const all = await draw(drawings);
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual([progress, judged], [['1/5', '2/5', '3/5', '4/5', '5/5'], [4]]);
  const size = SIDE * SIDE * 3;
  // The tiny model's schedule ends at a clean image: the last of five steps has no noise, and so no density.
  assert.equal(noisySteps(schedule, 5).length, 4);
  for (const [i, { states, logDensities, reward }] of all.entries()) {
    assert.deepEqual([states.length, logDensities.length], [5 * size, 4]);
    const start = seededNoise(tf, [drawings[i]!.startSeed], [size]).dataSync();
    assert.deepEqual(states.slice(0, size), start);
    assert.ok(reward! > 0 && reward! < 1);
  }
  assert.notDeepEqual(all[0]!.states.slice(size), all[1]!.states.slice(size));
  const [alone] = await draw(drawings.slice(2, 3));
  for (const [i, x] of alone!.states.entries()) close(x, all[2]!.states[i]!, 1e-3, `value ${i}`);
});

test('a schedule that ends above the clean image has noise in every step', () => {
  const sd = parseSchedule({ ...model.scheduler, set_alpha_to_one: false });
  assert.deepEqual(
    noisySteps(sd, 5).map(({ t }) => t),
    samplingTimesteps(sd, 5),
  );
});

test('advantages: over the round until a scene has 16 rewards, then over its last 16 (1e-9)', () => {
  const advantages = sceneAdvantages();
  const deviation = (values: number[]) => Math.sqrt(mean(values.map((x) => (x - mean(values)) ** 2)));
  const want = (reward: number, over: number[]) => (reward - mean(over)) / (deviation(over) + 1e-6);
  const images = (scene: string, ...rewards: number[]) => rewards.map((reward) => ({ scene, reward }));
  const first = Array.from({ length: 10 }, (_, i) => Math.sin(i));
  const round = [...images('a', ...first), ...images('b', 5, 6)];
  const all = [...first, 5, 6];
  for (const [i, got] of advantages(round).entries()) close(got, want(all[i]!, all), 1e-9, `image ${i}`);
  const second = Array.from({ length: 10 }, (_, i) => Math.cos(i));
  const remembered = [...first.slice(4), ...second];
  const got = advantages([...images('a', ...second), ...images('b', 1)]);
  for (const [i, x] of second.entries()) close(got[i]!, want(x, remembered), 1e-9, `image ${i}`);
  close(got[10]!, want(1, [...second, 1]), 1e-9, 'a scene with three rewards');
  assert.deepEqual(sceneAdvantages()(images('a', 2, 2, 2)), [0, 0, 0]);
});

test('D3PO learns from pairs of one scene in which one is better; images without a reward teach nothing', () => {
  const drawn = (...rewards: (number | null)[]) =>
    rewards.map((reward, i) => ({ scene: `s${i >> 1}`, reward }));
  const lessons = (...rewards: (number | null)[]) => ON_POLICY.d3po.lessons()(drawn(...rewards));
  assert.deepEqual(lessons(1, 2, 5, 5, 3, -1, null, 9), [
    { images: [1, 0], signal: 1 },
    { images: [4, 5], signal: 1 },
  ]);
  assert.deepEqual(lessons(5, 5, 1, 1), [
    { images: [0, 1], signal: 0 },
    { images: [2, 3], signal: 0 },
  ]);
  const advantages = ON_POLICY.ddpo.lessons()(drawn(1, null, 3, 3));
  assert.deepEqual(
    advantages.map(({ images }) => images),
    [[0], [2], [3]],
  );
});

const SIGNALS = { ddpo: [1, -2, 0.5, -1, 3, -0.3], d3po: [1, 1, 0] };

/** Six steps that were taken by some other policy, with ratios that an objective's gradient goes through. */
function stepsTaken(objective: 'ddpo' | 'd3po'): OnPolicyBatch {
  const rows = 6;
  const steps = noisySteps(schedule, 7);
  const seeds = (label: number) => Array.from({ length: rows }, (_, i) => 100 * label + i);
  const own = Array.from({ length: rows }, (_, i) => steps[i % 3]!);
  const x = seededNoise(tf, seeds(1), [SIDE, SIDE, 3]);
  const next = tf.tidy(() => x.mul(0.8).add(seededNoise(tf, seeds(2), [SIDE, SIDE, 3]).mul(0.3)));
  const prompts = ['red circle', 'blue square', 'green cross'].map(textPrompt);
  const condition = encodePrompts(engine, model, [...prompts, ...prompts]);
  const empty = encodeEmpty(engine, model);
  return {
    ...{ x, next, condition, empty },
    timesteps: tf.tensor1d(
      own.map(({ t }) => t),
      'float32',
    ),
    factors: factorsPerRow(
      tf,
      own.map(({ factors }) => factors),
      4,
    ),
    logDensities: tf.zeros([rows]),
    signals: tf.tensor1d(SIGNALS[objective]),
  };
}

for (const objective of ON_POLICY_OBJECTIVES) {
  for (const guidance of [1, 2]) {
    test(`${objective} at guidance ${guidance}: the loss rises along the step's gradient by its norm (finite difference, 2e-2)`, () => {
      const taken = stepsTaken(objective);
      const settings = { ...DEFAULT_TRAIN, objective, beta: 5, guidance };
      const start = toHost(reference, specs);
      const at = (parameters: Float32Array) => {
        const zeros = new Float32Array(parameters.length);
        const state = { step: 0, parameters, m: zeros, v: zeros };
        return createFlatParameters(engine, specs, state, { optimizer: adamW({ weightDecay: 0 }) });
      };
      const begin = createFlatParameters(engine, specs, start);
      const { parameters } = begin.state();
      begin.dispose();
      const step = (values: Float32Array, batch: OnPolicyBatch) => {
        const policy = at(values);
        const models = { config, schedule, policy, reference };
        const { loss, gradNorm } = onPolicyStep(engine, models, settings)([batch], 0);
        // Adam's first moment after one step from zero is a tenth of the gradient.
        const gradient = policy.state().m.map((m) => 10 * m);
        policy.dispose();
        return { loss, gradNorm, gradient };
      };
      // Worse than the sampler where it should be better, and the other way round: no ratio is clipped.
      const ownDensity = (i: number) => {
        const alone = tf.tensor1d(SIGNALS.ddpo.map((_, u) => Number(u === i)));
        return Math.log(-6 * step(parameters, { ...taken, signals: alone }).loss);
      };
      const batch =
        objective === 'd3po'
          ? taken
          : {
              ...taken,
              logDensities: tf.tensor1d(
                SIGNALS.ddpo.map((signal, i) => ownDensity(i) + (signal > 0 ? 0.1 : -0.1)),
              ),
            };
      const { gradient, gradNorm } = step(parameters, batch);
      close(Math.hypot(...gradient), gradNorm, 1e-3 * gradNorm, 'norm of the gradient');
      const lossAt = (distance: number) =>
        step(
          parameters.map((p, i) => p + (distance * gradient[i]!) / gradNorm),
          batch,
        ).loss;
      const h = 5e-4;
      close((lossAt(h) - lossAt(-h)) / (2 * h), gradNorm, 2e-2 * gradNorm, 'slope');
    });
  }

  test(`${objective}: micro-batches and recomputed blocks take the same step (1e-5)`, async (t) => {
    const settings = { objective, beta: 1, pairsPerStep: 4, ...ROUNDS };
    const plain = await trained(t, settings);
    for (const other of [{ accumulate: 2 }, { gradientCheckpointing: true }]) {
      const got = await trained(t, { ...settings, ...other });
      // Later ones divide float32 noise of the first by clip ranges of 1e-4.
      const [want, have] = [plain.telemetry[0]!, got.telemetry[0]!];
      for (const field of ['loss', 'gradNorm', 'updateNorm', 'reward'] as const)
        close(have[field], want[field], 1e-5 * Math.max(1, want[field]), `${JSON.stringify(other)} ${field}`);
    }
  });
}

for (const objective of ON_POLICY_OBJECTIVES) {
  test(`${objective}: a traced step is the one that runs operation by operation (1e-5), and leaves no tensor`, () => {
    const settings = { ...DEFAULT_TRAIN, objective, beta: 5, guidance: 2 };
    const batch = stepsTaken(objective);
    const steps = (traces: boolean) => {
      const own = { ...engine, traces: traces && engine.traces };
      const policy = createFlatParameters(own, specs, toHost(reference, specs));
      const step = onPolicyStep(own, { config, schedule, policy, reference }, settings);
      const first = step([batch, batch], 1e-4);
      const before = tf.memory().numTensors;
      step([batch, batch], 1e-4);
      assert.equal(tf.memory().numTensors, before);
      policy.dispose();
      return first;
    };
    const [got, want] = [steps(true), steps(false)];
    for (const field of ['loss', 'gradNorm', 'updateNorm'] as const)
      close(got[field], want[field], 1e-5 * Math.max(1, Math.abs(want[field])), field);
    assert.deepEqual([got.clipped, got.accuracy], [want.clipped, want.accuracy]);
  });
}

/** Runs on in a folder, to the end or until `stopAt`; the optimizer steps it took, and whether it drew before each. */
async function goOn(
  folder: string,
  settings: Partial<TrainSettings>,
  stopAt?: Pick<TrainProgress, 'phase' | 'done'>,
): Promise<string[]> {
  const did: string[] = [];
  let drew = '';
  const run = trainPairs({
    ...tinyRun(engine, model, folder, settings),
    ...ALONE,
    onProgress({ phase, done }) {
      if (phase === 'draw') drew = 'drawn ';
      if (phase === 'train') {
        did.push(`${drew}${done}`);
        drew = '';
      }
      if (phase === stopAt?.phase && done === stopAt.done) throw new Error('stopped');
    },
  });
  if (stopAt) await assert.rejects(run, { message: 'stopped' });
  else await run;
  return did;
}

for (const [name, settings] of Object.entries({
  ddpo: { objective: 'ddpo', ...ROUNDS },
  'd3po with a LoRA and an average': {
    ...{ objective: 'd3po', beta: 1, ...ROUNDS },
    ...{ lora: { rank: 2, convolutions: true }, ema: 0.9 },
  },
} satisfies Record<string, Partial<TrainSettings>>)) {
  test(`${name}: stopped in a round, killed in another and in a drawing, a run ends with the same bits`, async (t) => {
    const [folder, undisturbed] = [await temporaryFolder(t), await temporaryFolder(t)];
    const whole = ['drawn 1', '2', '3', 'drawn 4', '5', '6', 'drawn 7', '8'];
    assert.deepEqual(await goOn(undisturbed, settings), whole);
    assert.deepEqual(await checkpointsOf(undisturbed), ['step-3', 'step-6'], 'at the ends of rounds alone');
    // In the middle of the first round: it begins anew. Of the second: that one is drawn again.
    assert.deepEqual(await goOn(folder, settings, { phase: 'train', done: 2 }), ['drawn 1', '2']);
    assert.deepEqual(await goOn(folder, settings, { phase: 'train', done: 5 }), whole.slice(0, 5));
    const child = { base: model.folder, folder, settings, pairs: 0 };
    const kill = (waitAt: Pick<TrainProgress, 'phase' | 'done'>) =>
      killed({ ...child, waitAt }, ({ phase, done }) => phase === waitAt.phase && done === waitAt.done);
    await kill({ phase: 'train', done: 7 });
    await kill({ phase: 'draw', done: 2 });
    assert.deepEqual(await checkpointsOf(folder), ['step-3', 'step-6']);
    assert.deepEqual(await goOn(folder, settings), ['drawn 7', '8']);
    await assertSameRun(folder, undisturbed);
    const rewards = (of: string) => readFile(path.join(of, 'rewards.jsonl'), 'utf8');
    assert.equal(await rewards(folder), await rewards(undisturbed));
    assert.equal((await rewards(folder)).trimEnd().split('\n').length, 3);
    assert.ok(!(await tunedWeights(folder)).equals(await tunedWeights(model.folder, '.')));
  });
}

test('another seed draws other images, the same seed the same', async (t) => {
  const rewards = async (seed: number) =>
    (await trained(t, { objective: 'ddpo', ...ROUNDS, seed })).telemetry.map(({ reward }) => reward);
  const first = await rewards(1);
  assert.deepEqual(await rewards(1), first);
  assert.notDeepEqual(await rewards(2), first);
});

test('without a judge, without scenes and without a reward there is nothing to learn from', async (t) => {
  const refused = async (more: Partial<TrainOptions>, message: RegExp) =>
    assert.rejects(trained(t, { objective: 'ddpo', ...ROUNDS }, more), {
      code: 'DIPTYCH_INVALID_INPUT',
      message,
    });
  const silent: Judge = async (_, images) => images.map(() => ({ metrics: {}, reward: null }));
  await refused({ judge: undefined as never }, /needs a judge and scenes, and has no judge and 3 scenes/);
  await refused({ scenes: [] }, /has a judge and 0 scenes/);
  await refused({ judge: silent }, /of 18 images drawn for steps from 1 on none has a reward/);
});

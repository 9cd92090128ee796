/** Inversion trajectories: made once, kept on disk, and what the objectives take out of them. */
import assert from 'node:assert/strict';
import { readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { disposeTrajectory, invert } from '../../src/diffusion/invert.ts';
import { guidedPredictor, type Predictor } from '../../src/diffusion/predictor.ts';
import { sample } from '../../src/diffusion/sample.ts';
import { alphaBarAt, inversionTimesteps, parseSchedule } from '../../src/diffusion/schedule.ts';
import { type Engine, openEngine, type Tensor } from '../../src/engine/engine.ts';
import { floatToHalf, halfToFloat } from '../../src/engine/half.ts';
import type { DiffusionModel } from '../../src/models/folders/model-folder.ts';
import { type Prompt, textPrompt } from '../../src/models/inputs/prompt.ts';
import { encodeEmpty, encodePrompts } from '../../src/models/inputs/text-condition.ts';
import { createRandom } from '../../src/random.ts';
import {
  type InvertOptions,
  invertCandidates,
  type TrainCandidate,
} from '../../src/training/pairs/invert-candidates.ts';
import { planRows, storedStates } from '../../src/training/pairs/rows.ts';
import { disposeRows, loadRows } from '../../src/training/pairs/step-rows.ts';
import type { PairTrainSettings } from '../../src/training/settings.ts';
import { CHECKSUM_BYTES } from '../../src/training/trajectories/trajectory-files.ts';
import { temporaryFolder } from '../temporary.ts';
import { SIDE, TINY_TRAIN, tinyCandidates, tinyImage, tinyModel, tinyPairs } from './tiny.ts';

/** Of a half, the largest relative error of rounding. */
const HALF_EPSILON = 2 ** -11;

const engine = await openEngine();
const { tf } = engine;
const model = await tinyModel(engine, await temporaryFolder({ after }));
const schedule = parseSchedule(model.scheduler);
const SIZE = 3 * SIDE * SIDE;
const grid = inversionTimesteps(schedule, TINY_TRAIN.inversionSteps);

/** The engine, with the batch size of every call of the UNet noted. */
function counted(): { engine: Engine; calls: number[] } {
  const calls: number[] = [];
  const first = model.unet.weights['conv_in.weight'];
  const conv2d: Engine['kernels']['conv2d'] = (x, weight, ...rest) => {
    if (weight === first) calls.push(x.shape[0]!);
    return engine.kernels.conv2d(x, weight, ...rest);
  };
  return { engine: { ...engine, traces: false, kernels: { ...engine.kernels, conv2d } }, calls };
}

interface Inverted {
  calls: number[];
  loads: string[];
  progress: number[];
  states: Float32Array[][];
  evaluations: number;
}

/** Inverts into a folder and reads everything back: [candidate][state]. */
async function inverted(
  folder: string,
  settings: Partial<PairTrainSettings> = {},
  { count = 3, ...options }: Partial<InvertOptions> & { count?: number } = {},
): Promise<Inverted> {
  const { engine, calls } = counted();
  const loads: string[] = [];
  const progress: number[] = [];
  let evaluations = 0;
  const all = { ...TINY_TRAIN, ...settings };
  const store = await invertCandidates({
    ...{ engine, model, schedule, folder, settings: all },
    candidates: tinyCandidates(count).map((candidate) => ({
      ...candidate,
      load() {
        loads.push(candidate.id);
        return candidate.load();
      },
    })),
    onProgress(done, spent) {
      progress.push(done);
      evaluations = spent;
    },
    ...options,
  });
  const stored = storedStates(all, schedule);
  const states: Float32Array[][] = [];
  for (let candidate = 0; candidate < (options.candidates?.length ?? count); candidate++)
    states.push(await Promise.all(stored.map((state) => store.read(candidate, state))));
  return { calls, loads, progress, states, evaluations };
}

/** Files of a run's trajectories. */
const filesOf = async (folder: string) =>
  (await readdir(path.join(folder, 'trajectories')))
    .sort()
    .map((name) => path.join(folder, 'trajectories', name));

const pixels = (number: number) => Float32Array.from(tinyImage(number).data, (level) => level / 127.5 - 1);
const predictor = (of: DiffusionModel, prompts: readonly Prompt[], guidance: number) =>
  guidedPredictor(
    engine,
    of.unet.config,
    of.unet.weights,
    { prompt: encodePrompts(engine, of, prompts), empty: encodeEmpty(engine, of) },
    guidance,
  );

function furthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.equal(a.length, b.length);
  return Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
}

test('the store holds each image and the states of its inversion, in order, as halves hold them', async (t) => {
  const { states, calls, progress, evaluations } = await inverted(await temporaryFolder(t), { guidance: 2 });
  const steps = TINY_TRAIN.inversionSteps;
  assert.deepEqual(calls, Array<number>(steps).fill(6), 'guided: one doubled call a step');
  assert.deepEqual(progress, [3]);
  assert.equal(evaluations, 3 * steps);
  const prompts = tinyCandidates(3).map(({ prompt }) => prompt);
  const x0 = tf.tensor(Float32Array.from([0, 1, 2].flatMap((i) => [...pixels(i)])), [3, SIDE, SIDE, 3]);
  const trajectory = invert(engine, schedule, predictor(model, prompts, 2), x0 as Tensor, steps);
  const onHost = trajectory.states.map((state) => state.dataSync() as Float32Array);
  const largest = Math.max(...trajectory.outputs.flatMap((output) => [...output.dataSync()]).map(Math.abs));
  for (const [candidate, stored] of states.entries()) {
    assert.equal(stored.length, steps + 1);
    for (const [s, state] of stored.entries()) {
      const level = s === 0 ? 1 : schedule.alphaBar[grid[s - 1]!]!;
      // trajectory-code.ts says how near halves come.
      const bound = HALF_EPSILON * (Math.sqrt(level) + Math.sqrt(1 - level) * largest) + 1e-6;
      const exact = onHost[s]!.subarray(candidate * SIZE, (candidate + 1) * SIZE);
      assert.ok(furthest(state, exact) <= bound, `state ${s}`);
    }
  }
  disposeTrajectory(trajectory);
});

test('of kept timesteps, only the states that their rows read are stored, as they are among all', async (t) => {
  const all = await inverted(await temporaryFolder(t));
  const folder = await temporaryFolder(t);
  const stored = (settings: Partial<PairTrainSettings>) =>
    storedStates({ ...TINY_TRAIN, ...settings }, schedule);
  // Points 1 to 5 of 0 to 5: in the middle of each half of them.
  const settings = { keptTimesteps: 2 };
  assert.deepEqual(stored(settings), [0, 3, 5]);
  assert.deepEqual(stored({ ...settings, form: 'endpoint' }), [0, 3, 5]);
  assert.deepEqual(stored({ ...settings, form: 'published' }), [0, 1, 4]);
  assert.deepEqual(stored({ ...settings, form: 'transition', stride: 2 }), [0, 2, 4, 6]);
  assert.deepEqual(stored({ keptTimesteps: 5 }), [0, 2, 3, 4, 5, 6]);
  assert.deepEqual(stored({}), [0, 1, 2, 3, 4, 5, 6]);
  assert.deepEqual(stored({ objective: 'sft' }), [0]);

  const { states } = await inverted(folder, settings);
  for (const [candidate, [image, ...later]] of states.entries()) {
    assert.deepEqual(image, all.states[candidate]![0]);
    for (const [i, state] of later.entries())
      assert.ok(furthest(state, all.states[candidate]![[3, 5][i]!]!) < 4 * HALF_EPSILON);
  }
  const [file] = await filesOf(folder);
  assert.equal((await stat(file!)).size, CHECKSUM_BYTES + 3 * 2 * SIZE);
});

test('candidates are inverted once: a second call asks neither model nor images and writes nothing', async (t) => {
  const folder = await temporaryFolder(t);
  const first = await inverted(folder, {}, { count: 35 });
  assert.deepEqual(first.progress, [32, 35]);
  assert.deepEqual(first.calls, [...Array<number>(6).fill(32), ...Array<number>(6).fill(3)]);
  assert.equal(first.loads.length, 35);
  const stamps = async () =>
    Promise.all(
      (await filesOf(folder)).map(async (file) => {
        const { mtimeNs, ino, size } = await stat(file, { bigint: true });
        return [file, mtimeNs, ino, size];
      }),
    );
  const before = await stamps();
  assert.equal(before.length, 35);
  const second = await inverted(folder, {}, { count: 35 });
  assert.deepEqual([second.calls, second.loads, second.progress], [[], [], []]);
  assert.deepEqual(second.states, first.states);
  assert.deepEqual(await stamps(), before);
});

test('diffusion-dpo keeps the images alone and calls no model', async (t) => {
  const { calls, states, evaluations } = await inverted(await temporaryFolder(t), {
    objective: 'diffusion-dpo',
  });
  assert.deepEqual([calls, evaluations], [[], 0]);
  assert.deepEqual(
    states,
    [0, 1, 2].map((i) => [pixels(i).map((x) => halfToFloat(floatToHalf(x)))]),
  );
});

test('anything that changes a trajectory makes them again', async (t) => {
  const folder = await temporaryFolder(t);
  await inverted(folder);
  /** Images that are inverted, of as many candidates; the second time, none is. */
  const made = async (
    settings: Partial<PairTrainSettings>,
    options: Partial<InvertOptions> & { count?: number } = {},
  ) => {
    const { loads } = await inverted(folder, settings, options);
    assert.deepEqual((await inverted(folder, settings, options)).loads, []);
    return loads.length;
  };
  assert.equal(await made({ guidance: 2 }), 3);
  assert.equal(await made({ inversionSteps: 5 }), 3);
  assert.equal(await made({ keptTimesteps: 2 }), 3);
  assert.equal(await made({}, { model: { ...model, hash: 'another' } }), 3);
  const zeros = { ...model, zerosForEmpty: true };
  assert.equal(await made({ guidance: 2 }, { model: zeros }), 3);
  const unet = { ...model.unet, config: { ...model.unet.config, normEps: 1 } };
  assert.equal(await made({}, { model: { ...model, unet } }), 3);
  const scheduler = { ...model.scheduler, beta_end: 0.01 };
  assert.equal(await made({}, { model: { ...model, scheduler }, schedule: parseSchedule(scheduler) }), 3);
  // One candidate changes, and it alone is made.
  const [a, b] = tinyCandidates(2) as [TrainCandidate, TrainCandidate];
  const load = async () => tinyImage(7);
  const other = { ...a, prompt: textPrompt('blue cross') };
  const graph = { ...a, prompt: { ...a.prompt, triples: [['circle', 'above', 'cross']] as const } };
  for (const changed of [{ ...a, sha256: 'another', load }, other, graph]) {
    const { calls } = await inverted(folder, {}, { candidates: [changed, b] });
    assert.deepEqual(calls, Array<number>(6).fill(1));
  }
});

test('what a trajectory does not depend on makes none again', async (t) => {
  const folder = await temporaryFolder(t);
  const { states } = await inverted(folder);
  const none = async (settings: Partial<PairTrainSettings>, options: Partial<InvertOptions> = {}) => {
    const found = await inverted(folder, settings, options);
    assert.deepEqual([found.calls, found.loads], [[], []]);
    return found.states;
  };
  await none({ beta: 7, learningRate: 1, form: 'endpoint', seed: 3 });
  const [a, b, c] = tinyCandidates(3) as [TrainCandidate, TrainCandidate, TrainCandidate];
  assert.deepEqual(await none({}, { candidates: [b, { ...a, id: 'renamed' }] }), [states[1], states[0]]);
  assert.deepEqual(await none({}, { candidates: [c] }), [states[2]]);
  // An image alone is the same under any prompt and inversion.
  await inverted(folder, { objective: 'sft' });
  const other = { ...a, prompt: textPrompt('blue cross') };
  await none({ objective: 'diffusion-dpo', guidance: 3, inversionSteps: 9 }, { candidates: [other, b] });
});

test('a trajectory that is damaged or gone is made again, it alone, and told in one line', async (t) => {
  const folder = await temporaryFolder(t);
  const { states } = await inverted(folder);
  const lines: string[] = [];
  t.mock.method(console, 'error', (line: string) => void lines.push(line));
  const [file] = await filesOf(folder);
  const whole = await readFile(file!);
  for (const length of [0, 5, whole.length / 2, whole.length - 1]) {
    await truncate(file!, length);
    const again = await inverted(folder);
    assert.equal(again.loads.length, 1, `cut to ${length} bytes`);
    assert.deepEqual(lines.splice(0), [`${file} is damaged or cut short: it is removed and made again`]);
    for (const [i, trajectory] of again.states.entries())
      for (const [s, state] of trajectory.entries()) assert.ok(furthest(state, states[i]![s]!) < 1e-2);
  }
  await rm(file!);
  assert.equal((await inverted(folder)).loads.length, 1);
  assert.deepEqual(lines, []);
});

test('a file that is cut short while it is read from is an error that names it', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await invertCandidates({
    ...{ engine, model, schedule, folder, settings: TINY_TRAIN, candidates: tinyCandidates(1) },
    onProgress() {},
  });
  const [file] = await filesOf(folder);
  await truncate(file!, CHECKSUM_BYTES + 2 * 2 * SIZE);
  assert.equal((await store.read(0, 1)).length, SIZE);
  await assert.rejects(store.read(0, 2), { code: 'DIPTYCH_BAD_FILE', message: `${file} was cut short` });
});

test('sampling from the inverted noise gives the image back: to 0.05 at 160 steps, and worse at 16', () => {
  const x0 = tf.tensor(pixels(0), [1, SIDE, SIDE, 3]) as Tensor;
  const network = predictor(model, [textPrompt('red circle')], 1);
  // What a trained model does: close to the best guess for white data, with a part that depends on picture and prompt.
  const predict: Predictor = (x, t) =>
    x.mul(Math.sqrt(1 - alphaBarAt(schedule, t))).add(network(x, t).mul(0.1));
  const errors = [16, 160].map((steps) => {
    const trajectory = invert(engine, schedule, predict, x0, steps);
    const noise = trajectory.states.at(-1)!;
    assert.ok(furthest(noise.dataSync(), x0.dataSync()) > 0.2, 'the inversion went nowhere');
    const back = sample(engine, schedule, predict, noise, steps);
    const error = furthest(back.dataSync(), x0.dataSync());
    disposeTrajectory(trajectory);
    back.dispose();
    return error;
  });
  assert.ok(errors[1]! < 0.05 && errors[1]! < errors[0]! / 4, `errors ${errors}`);
});

const plansOf = (settings: Partial<PairTrainSettings>, count = 400) => {
  const random = createRandom(1);
  return Array.from({ length: count }, () => planRows({ ...TINY_TRAIN, ...settings }, schedule, random));
};
const stateOf = (t: number) => grid.indexOf(t) + 1;
const last = TINY_TRAIN.inversionSteps;

test('shared-noise plans one timestep above the first and the noise of either side, half and half', () => {
  const plans = plansOf({ form: 'shared-noise' }).map(([plan, ...more]) => {
    assert.equal(more.length, 0);
    return plan!;
  });
  for (const { t, level, state, towards, noiseState, freshNoise } of plans) {
    assert.equal(level, alphaBarAt(schedule, t));
    assert.equal(noiseState, stateOf(t));
    assert.deepEqual([state, towards, freshNoise], [null, null, null]);
  }
  assert.deepEqual(
    [...new Set(plans.map(({ t }) => t))].sort((a, b) => a - b),
    grid.slice(1),
  );
  const winners = plans.filter(({ noiseOf }) => noiseOf === 'winner').length;
  assert.ok(Math.abs(winners - 200) < 50, `${winners} of 400 take the winner's noise`);
  assert.equal(plans.filter(({ noiseOf }) => noiseOf === 'loser').length, 400 - winners);
});

test('endpoint leads to the image, a transition `stride` grid points down, and all of them are drawn', () => {
  const endpoints = plansOf({ form: 'endpoint' }).flat();
  for (const { t, state, towards } of endpoints) {
    assert.equal(state, stateOf(t));
    assert.deepEqual(towards, { state: 0, level: 1 });
  }
  assert.equal(new Set(endpoints.map(({ t }) => t)).size, last - 1);
  const transitions = plansOf({ form: 'transition', stride: 4 }).flat();
  for (const { t, state, towards } of transitions) {
    assert.equal(state, stateOf(t));
    const earlier = grid[grid.indexOf(t) - 4]!;
    assert.deepEqual(towards, { state: stateOf(earlier), level: alphaBarAt(schedule, earlier) });
  }
  assert.deepEqual(
    [...new Set(transitions.map(({ t }) => t))].sort((a, b) => a - b),
    grid.slice(4),
  );
});

test('the published forms plan every step of the trajectory from the state before it', () => {
  for (const form of ['published', 'negated'] as const) {
    const [plan] = plansOf({ form }, 1);
    assert.deepEqual(
      plan!.map(({ t, state }) => [t, state]),
      grid.map((t, i) => [t, i]),
    );
  }
});

test('diffusion-dpo plans any of the schedule’s timesteps and fresh noise', () => {
  const plans = plansOf({ objective: 'diffusion-dpo' }).flat();
  assert.ok(plans.every(({ t, level }) => Number.isInteger(t) && level === alphaBarAt(schedule, t)));
  const ts = plans.map(({ t }) => t);
  assert.ok(Math.min(...ts) < 30 && Math.max(...ts) > 970 && Math.max(...ts) < 1000);
  assert.equal(new Set(plans.map(({ freshNoise }) => freshNoise)).size, plans.length);
});

/** Rows of two pairs out of a folder's trajectories, as plain numbers by row. */
async function rowsOf(folder: string, settings: Partial<PairTrainSettings>) {
  const all = { ...TINY_TRAIN, ...settings };
  const candidates = tinyCandidates(4);
  const { states } = await inverted(folder, settings, { count: 4 });
  const store = await invertCandidates({
    ...{ engine, model, schedule, folder, settings: all, candidates },
    onProgress: () => assert.fail('inverted again'),
  });
  const random = createRandom(4);
  const plans = [planRows(all, schedule, random), planRows(all, schedule, random)];
  const index = new Map(candidates.map(({ id }, i) => [id, i]));
  const rows = await loadRows(engine, store, index, tinyPairs(2), plans);
  const numbers = (tensor: Tensor | null) => {
    const data = tensor!.dataSync();
    return Array.from({ length: data.length / SIZE }, (_, r) => data.slice(r * SIZE, (r + 1) * SIZE));
  };
  const host = {
    winner: numbers(rows.winner),
    loser: numbers(rows.loser),
    winnerTarget: rows.winnerTarget && numbers(rows.winnerTarget),
    loserTarget: rows.loserTarget && numbers(rows.loserTarget),
  };
  disposeRows(rows);
  return { host, plans, states, timesteps: rows.timesteps, levels: rows.levels };
}

test('shared-noise puts the donor’s inversion noise on both images, with it as both targets (1e-5)', async (t) => {
  const { host, plans, states, timesteps } = await rowsOf(await temporaryFolder(t), { form: 'shared-noise' });
  assert.deepEqual(
    timesteps,
    plans.map(([plan]) => plan!.t),
  );
  for (const [b, [plan]] of plans.entries()) {
    const { t, noiseOf } = plan!;
    const [winner, loser] = [states[2 * b]!, states[2 * b + 1]!];
    const donor = noiseOf === 'winner' ? winner : loser;
    const aBar = schedule.alphaBar[t]!;
    const noise = Array.from(
      donor[stateOf(t)]!,
      (x, j) => (x - Math.sqrt(aBar) * donor[0]![j]!) / Math.sqrt(1 - aBar),
    );
    const noisy = (image: Float32Array) =>
      Array.from(image, (x, j) => Math.sqrt(aBar) * x + Math.sqrt(1 - aBar) * noise[j]!);
    assert.ok(furthest(host.winnerTarget![b]!, noise) < 1e-5);
    assert.ok(furthest(host.loserTarget![b]!, noise) < 1e-5);
    assert.ok(furthest(host.winner[b]!, noisy(winner[0]!)) < 1e-5);
    assert.ok(furthest(host.loser[b]!, noisy(loser[0]!)) < 1e-5);
    // The donor's own row is its inversion state.
    const own = noiseOf === 'winner' ? host.winner[b]! : host.loser[b]!;
    assert.ok(furthest(own, donor[stateOf(t)]!) < 1e-5);
  }
  assert.equal(new Set(plans.map(([plan]) => plan!.noiseOf)).size, 2, 'both kinds of donor occur');
});

for (const form of ['transition', 'endpoint'] as const) {
  test(`${form}: a DDIM step along the target leads from the row's state to the earlier one (1e-4)`, async (t) => {
    const { host, plans, states } = await rowsOf(await temporaryFolder(t), { form });
    for (const [b, [plan]] of plans.entries()) {
      const { t, towards } = plan!;
      const [from, to] = [schedule.alphaBar[t]!, towards!.level];
      for (const [stored, x, e] of [
        [states[2 * b]!, host.winner[b]!, host.winnerTarget![b]!],
        [states[2 * b + 1]!, host.loser[b]!, host.loserTarget![b]!],
      ] as const) {
        assert.deepEqual(x, stored[stateOf(t)]);
        const reached = Array.from(x, (value, j) => {
          const x0 = (value - Math.sqrt(1 - from) * e[j]!) / Math.sqrt(from);
          return Math.sqrt(to) * x0 + Math.sqrt(1 - to) * e[j]!;
        });
        assert.ok(furthest(reached, stored[towards!.state]!) < 1e-4);
      }
    }
  });
}

test('the published forms take whole trajectories, row k * pairs + b from pair b, and no target', async (t) => {
  const { host, states, timesteps, levels } = await rowsOf(await temporaryFolder(t), { form: 'published' });
  assert.deepEqual(
    timesteps,
    grid.flatMap((at) => [at, at]),
  );
  assert.deepEqual(
    levels,
    timesteps.map((at) => schedule.alphaBar[at]!),
  );
  for (const k of grid.keys()) {
    for (const b of [0, 1]) {
      assert.deepEqual(host.winner[2 * k + b], states[2 * b]![k]);
      assert.deepEqual(host.loser[2 * k + b], states[2 * b + 1]![k]);
    }
  }
  assert.deepEqual([host.winnerTarget, host.loserTarget], [null, null]);
});

test('diffusion-dpo puts one fresh noise on both images of a pair, another on each pair (1e-5)', async (t) => {
  const { host, plans, states } = await rowsOf(await temporaryFolder(t), { objective: 'diffusion-dpo' });
  assert.deepEqual(host.winnerTarget, host.loserTarget);
  assert.notDeepEqual(host.winnerTarget![0], host.winnerTarget![1]);
  for (const [b, [plan]] of plans.entries()) {
    const random = createRandom(plan!.freshNoise!);
    const noise = Float32Array.from({ length: SIZE }, () => random.normal());
    assert.deepEqual(host.winnerTarget![b], noise);
    const aBar = schedule.alphaBar[plan!.t]!;
    for (const [row, image] of [
      [host.winner[b]!, states[2 * b]![0]!],
      [host.loser[b]!, states[2 * b + 1]![0]!],
    ] as const) {
      const noisy = Array.from(image, (x, j) => Math.sqrt(aBar) * x + Math.sqrt(1 - aBar) * noise[j]!);
      assert.ok(furthest(row, noisy) < 1e-5);
    }
  }
});

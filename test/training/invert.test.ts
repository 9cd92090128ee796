/** Inversion trajectories: made once, kept on disk, and what the objectives take out of them. */
import assert from 'node:assert/strict';
import { appendFile, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { disposeTrajectory, invert } from '../../src/diffusion/invert.ts';
import { guidedPredictor, type Predictor } from '../../src/diffusion/predictor.ts';
import { sample } from '../../src/diffusion/sample.ts';
import { alphaBarAt, inversionTimesteps, parseSchedule } from '../../src/diffusion/schedule.ts';
import { type Engine, openEngine, type Tensor } from '../../src/engine/engine.ts';
import type { DiffusionModel } from '../../src/models/model-folder.ts';
import { type Prompt, textPrompt } from '../../src/models/prompt.ts';
import { encodeEmpty, encodePrompts } from '../../src/models/text-condition.ts';
import { createRandom } from '../../src/random.ts';
import { type InvertOptions, invertCandidates } from '../../src/training/invert-candidates.ts';
import { planRows } from '../../src/training/rows.ts';
import type { PairTrainSettings } from '../../src/training/settings.ts';
import { disposeRows, loadRows } from '../../src/training/step-rows.ts';
import { openTrajectories } from '../../src/training/trajectory-store.ts';
import { temporaryFolder } from '../temporary.ts';
import { SIDE, TINY_TRAIN, tinyCandidates, tinyImage, tinyModel, tinyPairs } from './tiny.ts';

const engine = await openEngine();
const { tf } = engine;
const model = await tinyModel(engine, await temporaryFolder({ after }));
const schedule = parseSchedule(model.scheduler);
const SIZE = 3 * SIDE * SIDE;

/** The engine, with the batch size of every call of the UNet noted. */
function counted(): { engine: Engine; calls: number[] } {
  const calls: number[] = [];
  const first = model.unet.weights['conv_in.weight'];
  const conv2d: Engine['kernels']['conv2d'] = (x, weight, ...rest) => {
    if (weight === first) calls.push(x.shape[0]!);
    return engine.kernels.conv2d(x, weight, ...rest);
  };
  return { engine: { ...engine, kernels: { ...engine.kernels, conv2d } }, calls };
}

interface Inverted {
  calls: number[];
  loads: string[];
  progress: number[];
  states: Float32Array[][];
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
    onProgress: (done) => void progress.push(done),
    ...options,
  });
  const perCandidate = all.objective === 'inversion-dpo' ? all.inversionSteps + 1 : 1;
  const states: Float32Array[][] = [];
  for (let candidate = 0; candidate < store.count(); candidate++) {
    const read = Array.from({ length: perCandidate }, (_, state) => store.read(candidate, state));
    states.push(await Promise.all(read));
  }
  await store.close();
  return { calls, loads, progress, states };
}

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

test('the store holds each image and the states of its inversion, in order (the same bits)', async (t) => {
  const { states, calls, progress } = await inverted(await temporaryFolder(t), { guidance: 2 });
  assert.deepEqual(
    calls,
    Array<number>(TINY_TRAIN.inversionSteps).fill(6),
    'guided: one doubled call a step',
  );
  assert.deepEqual(progress, [3]);
  const prompts = tinyCandidates(3).map(({ prompt }) => prompt);
  const x0 = tf.tensor(Float32Array.from([0, 1, 2].flatMap((i) => [...pixels(i)])), [3, SIDE, SIDE, 3]);
  const steps = TINY_TRAIN.inversionSteps;
  const trajectory = invert(engine, schedule, predictor(model, prompts, 2), x0 as Tensor, steps);
  const onHost = trajectory.states.map((state) => state.dataSync() as Float32Array);
  for (const [candidate, stored] of states.entries()) {
    assert.equal(stored.length, steps + 1);
    assert.deepEqual(stored[0], pixels(candidate));
    for (const [s, state] of stored.entries())
      assert.deepEqual(state, onHost[s]!.slice(candidate * SIZE, (candidate + 1) * SIZE));
  }
  disposeTrajectory(trajectory);
});

test('candidates are inverted once: a second call asks neither model nor images and writes nothing', async (t) => {
  const folder = await temporaryFolder(t);
  const first = await inverted(folder, {}, { count: 35 });
  assert.deepEqual(first.progress, [32, 35]);
  assert.deepEqual(first.calls, [...Array<number>(6).fill(32), ...Array<number>(6).fill(3)]);
  assert.equal(first.loads.length, 35);
  const files = ['trajectories.f32', 'trajectories.json'].map((name) => path.join(folder, name));
  const before = await Promise.all(files.map((file) => stat(file, { bigint: true })));
  const second = await inverted(folder, {}, { count: 35 });
  assert.deepEqual([second.calls, second.loads, second.progress], [[], [], []]);
  assert.deepEqual(second.states, first.states);
  const later = await Promise.all(files.map((file) => stat(file, { bigint: true })));
  for (const [i, { mtimeNs, ino }] of before.entries())
    assert.deepEqual([later[i]!.mtimeNs, later[i]!.ino], [mtimeNs, ino]);
});

test('diffusion-dpo keeps the images alone and calls no model', async (t) => {
  const { calls, states } = await inverted(await temporaryFolder(t), { objective: 'diffusion-dpo' });
  assert.deepEqual(calls, []);
  assert.deepEqual(
    states,
    [0, 1, 2].map((i) => [pixels(i)]),
  );
});

test('anything that changes a trajectory makes them again', async (t) => {
  const folder = await temporaryFolder(t);
  const again = async (
    what: string,
    settings: Partial<PairTrainSettings>,
    options: Partial<InvertOptions> & { count?: number } = {},
  ) => {
    await inverted(folder);
    assert.ok((await inverted(folder, settings, options)).calls.length > 0, what);
    assert.deepEqual((await inverted(folder, settings, options)).calls, [], `${what}: the second time`);
  };
  await again('guidance', { guidance: 2 });
  await again('inversionSteps', { inversionSteps: 5 });
  await again('number of candidates', {}, { count: 2 });
  const [a, b] = tinyCandidates(2) as [never, never];
  await again('order of candidates', {}, { candidates: [b, a] });
  await again('an image', {}, { candidates: [{ ...(a as object), sha256: 'another' } as never, b] });
  await again(
    'a prompt',
    {},
    { candidates: [{ ...(a as object), prompt: textPrompt('blue cross') } as never, b] },
  );
  await again('the weights', {}, { model: { ...model, hash: 'another' } });
  const scheduler = { ...model.scheduler, beta_end: 0.01 };
  await again('the scheduler', {}, { model: { ...model, scheduler }, schedule: parseSchedule(scheduler) });
  // What a trajectory does not depend on.
  await inverted(folder);
  const { calls } = await inverted(folder, { beta: 7, learningRate: 1, form: 'endpoint', seed: 3 });
  assert.deepEqual(calls, []);
});

test('trajectories that were cut short are made again, not read as zeros', async (t) => {
  const folder = await temporaryFolder(t);
  const { states } = await inverted(folder);
  const file = path.join(folder, 'trajectories.f32');
  const whole = await readFile(file);
  for (const length of [0, 5, whole.length / 2, whole.length - 1]) {
    await truncate(file, length);
    const again = await inverted(folder);
    assert.equal(again.loads.length, 3, `cut to ${length} bytes`);
    assert.deepEqual(again.states, states);
    assert.ok((await readFile(file)).equals(whole));
  }
});

test('a note that is not whole, or of another kind, makes the trajectories again', async (t) => {
  const folder = await temporaryFolder(t);
  const { states } = await inverted(folder);
  const note = path.join(folder, 'trajectories.json');
  const whole = await readFile(note, 'utf8');
  for (const text of ['', whole.slice(0, 20), 'null', '[]', '{}']) {
    await writeFile(note, text);
    const again = await inverted(folder);
    assert.equal(again.loads.length, 3, `note: ${text}`);
    assert.deepEqual(again.states, states);
    assert.equal(await readFile(note, 'utf8'), whole);
  }
});

test('a state that is not there is an error that names the file', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await openTrajectories(folder, { key: 'k', states: 2, shape: [2, 1, 2] });
  t.after(() => store.close());
  await store.append(
    Float32Array.from({ length: 16 }, (_, i) => i),
    2,
  );
  assert.deepEqual([...(await store.read(1, 1))], [12, 13, 14, 15]);
  const file = path.join(folder, 'trajectories.f32');
  const refused = { code: 'DIPTYCH_BAD_FILE', message: `${file}: state 1 of trajectory 1 is cut short` };
  await truncate(file, 4 * 15);
  await assert.rejects(store.read(1, 1), refused);
  assert.deepEqual([...(await store.read(1, 0))], [8, 9, 10, 11]);
});

test('values after the last whole trajectory are written over', async (t) => {
  const folder = await temporaryFolder(t);
  const shape = { key: 'k', states: 1, shape: [2] };
  const store = await openTrajectories(folder, shape);
  await store.append(new Float32Array([1, 2]), 1);
  await store.close();
  await appendFile(path.join(folder, 'trajectories.f32'), new Uint8Array(7).fill(63));
  const again = await openTrajectories(folder, shape);
  t.after(() => again.close());
  assert.equal(again.count(), 1);
  await again.append(new Float32Array([3, 4]), 1);
  assert.deepEqual([...(await again.read(0, 0)), ...(await again.read(1, 0))], [1, 2, 3, 4]);
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
const grid = inversionTimesteps(schedule, TINY_TRAIN.inversionSteps);
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
  await store.close();
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

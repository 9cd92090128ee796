/**
 * Stored trajectories: the time to read one step's rows (16 pairs, shared-noise, 20 inversion steps, 32 x 32 pixels), and
 * the bytes of a candidate, each beside float32 states in one open file. ratio = ours / theirs: below 1 is less.
 */
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { alphaBarAt, gridStep, inversionTimesteps, parseSchedule } from '../src/diffusion/schedule.ts';
import { openEngine } from '../src/engine/engine.ts';
import type { Pair } from '../src/preference/pairs.ts';
import { createRandom } from '../src/random.ts';
import { planRows } from '../src/training/pairs/rows.ts';
import { disposeRows, loadRows } from '../src/training/pairs/step-rows.ts';
import { DEFAULT_TRAIN } from '../src/training/settings.ts';
import { openTrajectories, type TrajectoryStore } from '../src/training/trajectories/trajectory-store.ts';
import type { BenchResult } from './run.ts';
import { inTurn, type Timed } from './torch/peer.ts';

const SHAPE = [32, 32, 3];
const SIZE = 32 * 32 * 3;
const CANDIDATES = 256;
const PAIRS = 16;
const STEPS = 200;

export async function run(): Promise<BenchResult[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'diptych-bench-'));
  try {
    return await measure(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function measure(folder: string): Promise<BenchResult[]> {
  const engine = await openEngine();
  const schedule = parseSchedule({ beta_schedule: 'scaled_linear', beta_start: 0.00085, beta_end: 0.012 });
  const grid = inversionTimesteps(schedule, DEFAULT_TRAIN.inversionSteps);
  const first = grid[0]! - gridStep(schedule, DEFAULT_TRAIN.inversionSteps);
  const levels = [first, ...grid].map((t) => alphaBarAt(schedule, t));
  const states = levels.map((_, state) => state);
  const keys = Array.from({ length: CANDIDATES }, (_, i) => `candidate-${i}`);
  const ours = await openTrajectories({
    ...{ folder: path.join(folder, 'run'), shared: path.join(folder, 'shared') },
    ...{ keys, states, levels, shape: SHAPE },
  });
  const file = path.join(folder, 'states.f32');
  const random = createRandom(1);
  const handle = await open(file, 'w+');
  for (const candidate of keys.keys()) {
    const trajectory = states.map(() => Float32Array.from({ length: SIZE }, () => random.normal()));
    await ours.add(new Map([[candidate, trajectory]]));
    for (const state of trajectory) await handle.write(new Uint8Array(state.buffer));
  }
  const theirs: Pick<TrajectoryStore, 'shape' | 'read'> = {
    shape: SHAPE,
    async read(candidate, index) {
      const state = new Float32Array(SIZE);
      const at = (candidate * states.length + index) * 4 * SIZE;
      await handle.read(new Uint8Array(state.buffer), 0, 4 * SIZE, at);
      return state;
    },
  };

  const index = new Map(keys.map((key, i) => [key, i]));
  const reading = (store: Pick<TrajectoryStore, 'shape' | 'read'>) => {
    const random = createRandom(2);
    const candidate = () => random.int(CANDIDATES);
    return async (): Promise<Timed> => {
      const pairs = Array.from({ length: PAIRS }, () => pairOf(candidate(), candidate()));
      const plans = pairs.map(() => planRows(DEFAULT_TRAIN, schedule, random));
      const started = performance.now();
      disposeRows(await loadRows(engine, store, index, pairs, plans));
      return { ms: performance.now() - started, values: [] };
    };
  };
  const times = await inTurn(reading(ours), reading(theirs), STEPS);
  const [value, peerValue] = [times.ours, times.theirs!];
  const [bytes, peerBytes] = [
    (await stat(path.join(folder, 'run', keys[0]!))).size,
    (await stat(file)).size / CANDIDATES,
  ];
  await handle.close();
  const peer = 'float32 states in one file';
  return [
    { bench: 'trajectories', value, unit: 'ms to read a step', peer, peerValue, ratio: value / peerValue },
    {
      bench: 'trajectories',
      value: bytes,
      unit: 'bytes',
      peer,
      peerValue: peerBytes,
      ratio: bytes / peerBytes,
    },
  ];
}

const pairOf = (winner: number, loser: number): Pair => ({
  ...{ annotationId: '', winner: `candidate-${winner}`, loser: `candidate-${loser}` },
  ...{ winnerReward: 1, loserReward: 0, margin: 1, policy: 'all', tie: false, votes: null },
});

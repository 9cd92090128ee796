/**
 * From a pair to the rows that the models see: which states, at which timesteps, with which target noise.
 * Everything random comes from the caller's stream, so that a step can be done again exactly.
 */
import { alphaBarAt, gridStep, inversionTimesteps, type Schedule } from '../../diffusion/schedule.ts';
import { createRandom, type Random } from '../../random.ts';
import { type InversionForm, isTargetless, timestepWeight } from '../objectives/inversion-dpo.ts';
import type { PairTrainSettings } from '../settings.ts';
import { OBJECTIVE } from './objective.ts';
import type { Ascent } from './self-inversion.ts';

/** One timestep of one pair, as a plan: which stored states to read, and how to make the noisy ones. */
export interface RowPlan {
  /** The models' timestep label. */
  t: number;
  /** aBar of the states. */
  level: number;
  /** Of this timestep in the loss. */
  weight: number;
  /** Stored state that stands for x_t; null where noise is put on the image instead. */
  state: number | null;
  /** Stored state that the target leads to, with its level; 0 with level 1: the image. */
  towards: { state: number; level: number } | null;
  /** Whose noise is put on both images; null: none, or fresh noise. */
  noiseOf: 'winner' | 'loser' | null;
  /** Stored state that holds that noise. */
  noiseState: number | null;
  /** Seed of fresh noise for both sides; null: none. */
  freshNoise: number | null;
  /** How the policy inverts the images itself; null: it does not. */
  ascent: Ascent | null;
}

const NOTHING = {
  ...{ weight: 1, state: null, towards: null, noiseOf: null, noiseState: null, freshNoise: null },
  ascent: null,
} as const;

/** As much random noise in a step of InPO's inversion as the release adds: eta of DDIM. */
const INPO_ETA = 0.1;

/** The rows of one pair; as many for every pair of the same settings. */
export function planRows(settings: PairTrainSettings, schedule: Schedule, random: Random): RowPlan[] {
  const { states } = OBJECTIVE[settings.objective];
  if (states === 'inverted') return invertedRows(settings, schedule, random);
  const row = states === 'noised' ? noisedRow : selfInvertedRow;
  const count = (settings.rowsPerPair ?? 1) as number;
  return Array.from({ length: count }, () => row(settings, schedule, random));
}

function noisedRow(_: PairTrainSettings, schedule: Schedule, random: Random): RowPlan {
  const t = random.int(schedule.trainSteps);
  const freshNoise = random.int(2 ** 32);
  return { ...NOTHING, t, level: alphaBarAt(schedule, t), freshNoise };
}

function selfInvertedRow(settings: PairTrainSettings, schedule: Schedule, random: Random): RowPlan {
  const grid = inversionTimesteps(schedule, settings.inversionSteps);
  const stride = gridStep(schedule, settings.inversionSteps);
  const i = 1 + random.int(grid.length - 1);
  const steps = grid.slice(0, i + 1).map((t) => {
    // A state is labelled with the level it is at; of the image itself that lies below 0, as released.
    const from = t - stride;
    return { t: from, from: alphaBarAt(schedule, from), to: alphaBarAt(schedule, t) };
  });
  const isSmpo = settings.objective === 'smpo';
  const ascent = { steps, renoise: isSmpo, eta: isSmpo ? 0 : INPO_ETA, seed: random.int(2 ** 32) };
  return { ...NOTHING, t: grid[i]!, level: alphaBarAt(schedule, grid[i]!), ascent };
}

function invertedRows(settings: PairTrainSettings, schedule: Schedule, random: Random): RowPlan[] {
  const rowAt = invertedRowAt(settings, schedule, random);
  return chosenPoints(settings, random).map(rowAt);
}

/** Row by grid point. */
function invertedRowAt(
  settings: PairTrainSettings,
  schedule: Schedule,
  random: Random,
): (point: number) => RowPlan {
  const { form } = settings;
  const grid = inversionTimesteps(schedule, settings.inversionSteps);
  const stride = gridStep(schedule, settings.inversionSteps);
  const weights =
    settings.timestepWeights ?? (isTargetless(form) ? ('one-over-2-alpha-bar' as const) : 'none');
  /** State i + 1 lies at the level of timestep i; `from`: the level nearer to the image that the row is about. */
  const at = (i: number, from: number) => {
    const level = alphaBarAt(schedule, grid[i]!);
    return { ...NOTHING, t: grid[i]!, level, weight: timestepWeight(weights, level, from) };
  };
  const targetless = (i: number) => ({ ...at(i, alphaBarAt(schedule, grid[i]! - stride)), state: i });
  const rowOf: Record<InversionForm, (i: number) => RowPlan> = {
    published: targetless,
    negated: targetless,
    'shared-noise': (i) => {
      const noiseOf = random.next() < 0.5 ? 'winner' : 'loser';
      return { ...at(i, 1), noiseOf, noiseState: i + 1 };
    },
    endpoint: (i) => ({ ...at(i, 1), state: i + 1, towards: { state: 0, level: 1 } }),
    transition(i) {
      const earlier = i - settings.stride;
      const level = alphaBarAt(schedule, grid[earlier]!);
      return { ...at(i, level), state: i + 1, towards: { state: earlier + 1, level } };
    },
  };
  return rowOf[form];
}

/**
 * States of an inversion that are stored, rising, the image first: all, so that any form can read them, or those that rows
 * at the kept timesteps read. The image alone where nothing is inverted beforehand.
 */
export function storedStates(settings: PairTrainSettings, schedule: Schedule): number[] {
  if (OBJECTIVE[settings.objective].states !== 'inverted') return [0];
  if (settings.keptTimesteps === undefined)
    return Array.from({ length: settings.inversionSteps + 1 }, (_, state) => state);
  // Which states a row reads, no random number decides.
  const rowAt = invertedRowAt(settings, schedule, createRandom(settings.seed));
  const read = keptPoints(settings)
    .map(rowAt)
    .flatMap(({ state, towards, noiseState }) => [state, towards?.state, noiseState]);
  const numbers = read.filter((state): state is number => typeof state === 'number');
  return [...new Set([0, ...numbers])].sort((a, b) => a - b);
}

/** The first grid point that a form can have a row at: the step to point 0 moves next to nothing. */
export function firstPoint({ form, stride }: Pick<PairTrainSettings, 'form' | 'stride'>): number {
  if (form === 'transition') return stride;
  return isTargetless(form) ? 0 : 1;
}

type PointSettings = Pick<
  PairTrainSettings,
  'form' | 'stride' | 'inversionSteps' | 'keptTimesteps' | 'rowsPerPair'
>;

/** Grid points that rows can be at: all from the first, or so many of them, in the middles of as many equal parts. */
function keptPoints(settings: PointSettings): number[] {
  const first = firstPoint(settings);
  const all = settings.inversionSteps - first;
  const { keptTimesteps: kept = all } = settings;
  return Array.from({ length: kept }, (_, k) => first + Math.floor(((k + 0.5) * all) / kept));
}

/** Grid points of one pair's rows: all that are kept, or so many different ones at random. */
function chosenPoints(settings: PointSettings, random: Random): number[] {
  const points = keptPoints(settings);
  const { rowsPerPair = isTargetless(settings.form) ? 'trajectory' : 1 } = settings;
  if (rowsPerPair === 'trajectory') return points;
  for (let k = 0; k < rowsPerPair; k++) {
    const j = k + random.int(points.length - k);
    [points[k], points[j]] = [points[j]!, points[k]!];
  }
  return points.slice(0, rowsPerPair);
}

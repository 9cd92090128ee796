/**
 * From a pair to the rows that the models see: which states, at which timesteps, with which target noise.
 * Everything random comes from the caller's stream, so that a step can be done again exactly.
 */
import { alphaBarAt, inversionTimesteps, type Schedule } from '../diffusion/schedule.ts';
import type { Random } from '../random.ts';
import type { TrainSettings } from './settings.ts';

/** One timestep of one pair, as a plan: which stored states to read, and how to make the noisy ones. */
export interface RowPlan {
  /** The models' timestep label. */
  t: number;
  /** aBar of the states. */
  level: number;
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
}

const NOTHING = { state: null, towards: null, noiseOf: null, noiseState: null, freshNoise: null } as const;

/** The rows of one pair: one of a sampled timestep, or the whole trajectory for the published forms. */
export function planRows(settings: TrainSettings, schedule: Schedule, random: Random): RowPlan[] {
  const grid = inversionTimesteps(schedule, settings.inversionSteps);
  // State i + 1 lies at the level of timestep i.
  const at = (i: number) => ({ t: grid[i]!, level: alphaBarAt(schedule, grid[i]!) });
  const from = (first: number) => first + random.int(grid.length - first);

  if (settings.objective === 'diffusion-dpo') {
    const t = random.int(schedule.trainSteps);
    const freshNoise = random.int(2 ** 32);
    return [{ ...NOTHING, t, level: alphaBarAt(schedule, t), freshNoise }];
  }
  switch (settings.form) {
    case 'published':
    case 'negated':
      return grid.map((_, i) => ({ ...NOTHING, ...at(i), state: i }));
    case 'shared-noise': {
      const i = from(1);
      const noiseOf = random.next() < 0.5 ? 'winner' : 'loser';
      return [{ ...NOTHING, ...at(i), noiseOf, noiseState: i + 1 }];
    }
    case 'endpoint': {
      const i = from(1);
      return [{ ...NOTHING, ...at(i), state: i + 1, towards: { state: 0, level: 1 } }];
    }
    case 'transition': {
      const i = from(settings.stride);
      const earlier = i - settings.stride;
      return [
        {
          ...NOTHING,
          ...at(i),
          state: i + 1,
          towards: { state: earlier + 1, level: at(earlier).level },
        },
      ];
    }
  }
}

/**
 * The noise schedule of a diffusion model: how much signal is left at each of T levels.
 * aBar_t is the cumulative product of (1 - beta_t); x_t = sqrt(aBar_t) x_0 + sqrt(1 - aBar_t) noise.
 */
import { DiptychError } from '../errors.ts';

export const PREDICTION_TYPES = ['epsilon', 'v_prediction'] as const;
export const SPACINGS = ['leading', 'trailing'] as const;

export interface Schedule {
  /** Number of training levels, T. */
  trainSteps: number;
  /** aBar_0 ... aBar_(T-1). */
  alphaBar: Float64Array;
  /** Level below 0 on the grid: 1 when set_alpha_to_one, else aBar_0. */
  finalAlphaBar: number;
  predictionType: (typeof PREDICTION_TYPES)[number];
  spacing: (typeof SPACINGS)[number];
  stepsOffset: number;
  /** Predicted images are clamped to +-clipRange; null: not clamped. */
  clipRange: number | null;
}

/** From a diffusers scheduler_config.json, with DDIMScheduler's defaults. Throws DIPTYCH_BAD_MODEL. */
export function parseSchedule(json: Record<string, unknown>): Schedule {
  const trainSteps = (json.num_train_timesteps as number | undefined) ?? 1000;
  const [first, last] = [(json.beta_start as number) ?? 1e-4, (json.beta_end as number) ?? 0.02];
  const betas = makeBetas((json.beta_schedule as string | undefined) ?? 'linear', first, last, trainSteps);
  let product = 1;
  const alphaBar = Float64Array.from(betas, (beta) => {
    product *= 1 - beta;
    return product;
  });
  if (json.rescale_betas_zero_snr) throw bad('rescale_betas_zero_snr', true, [false]);
  if (json.thresholding) throw bad('thresholding', true, [false]);
  return {
    trainSteps,
    alphaBar,
    finalAlphaBar: (json.set_alpha_to_one ?? true) ? 1 : alphaBar[0]!,
    predictionType: oneOf(json, 'prediction_type', PREDICTION_TYPES),
    spacing: oneOf(json, 'timestep_spacing', SPACINGS),
    stepsOffset: (json.steps_offset as number | undefined) ?? 0,
    clipRange: (json.clip_sample ?? true) ? ((json.clip_sample_range as number | undefined) ?? 1) : null,
  };
}

function makeBetas(kind: string, first: number, last: number, count: number): Float64Array {
  const linspace = (a: number, b: number) =>
    Float64Array.from({ length: count }, (_, i) => a + ((b - a) * i) / (count - 1));
  if (kind === 'linear') return linspace(first, last);
  if (kind === 'scaled_linear') {
    return linspace(Math.sqrt(first), Math.sqrt(last)).map((root) => root * root);
  }
  throw bad('beta_schedule', kind, ['linear', 'scaled_linear']);
}

function oneOf<T extends string>(json: Record<string, unknown>, field: string, allowed: readonly T[]): T {
  const value = (json[field] ?? allowed[0]) as T;
  if (!allowed.includes(value)) throw bad(field, value, allowed);
  return value;
}

const bad = (field: string, value: unknown, allowed: readonly unknown[]) =>
  new DiptychError(
    'DIPTYCH_BAD_MODEL',
    `scheduler config: "${field}" is ${JSON.stringify(value)}; supported: ${JSON.stringify(allowed)}`,
  );

/** aBar at a timestep; below 0 the level of the finished image. */
export function alphaBarAt(schedule: Schedule, t: number): number {
  return t < 0 ? schedule.finalAlphaBar : schedule.alphaBar[t]!;
}

/** Grid step floor(T / N) between a sampler's timesteps. */
export function gridStep({ trainSteps }: Schedule, steps: number): number {
  if (!(Number.isInteger(steps) && steps >= 1 && steps <= trainSteps)) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `steps is ${steps}; it must be a whole number from 1 to ${trainSteps}`,
    );
  }
  return Math.floor(trainSteps / steps);
}

/** The N timesteps of sampling, descending (DDIMScheduler.set_timesteps). */
export function samplingTimesteps(schedule: Schedule, steps: number): number[] {
  const { trainSteps, spacing, stepsOffset } = schedule;
  const stride = gridStep(schedule, steps);
  if (spacing === 'trailing') {
    return Array.from({ length: steps }, (_, i) => Math.round(trainSteps - (i * trainSteps) / steps) - 1);
  }
  return Array.from({ length: steps }, (_, i) => (steps - 1 - i) * stride + stepsOffset);
}

/** The N timesteps of inversion, ascending (DDIMInverseScheduler.set_timesteps). */
export function inversionTimesteps(schedule: Schedule, steps: number): number[] {
  return samplingTimesteps(schedule, steps).reverse();
}

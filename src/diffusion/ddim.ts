/**
 * One DDIM step in either direction (Song et al., arXiv 2010.02502; diffusers DDIMScheduler and
 * DDIMInverseScheduler). From level s to level t with noise e:
 *   x0 = (x_s - sqrt(1 - aBar_s) e) / sqrt(aBar_s)
 *   x_t = sqrt(aBar_t) x0 + sqrt(1 - aBar_t) e
 */
import type { Tensor, Tf } from '../engine/engine.ts';
import { alphaBarAt, type Schedule } from './schedule.ts';

export interface CleanAndNoise {
  /** The image that the prediction points to, clamped where the schedule says so. */
  x0: Tensor;
  /** The noise that goes with it. */
  noise: Tensor;
}

/** A model's output at level `level` as image and noise. */
export function interpret(schedule: Schedule, x: Tensor, output: Tensor, level: number): CleanAndNoise {
  return interpretAt(schedule, x, output, Math.sqrt(level), Math.sqrt(1 - level));
}

/** The same with sqrt(aBar) and sqrt(1 - aBar) given, for all rows or one each [B, 1, ...]. */
function interpretAt(
  schedule: Schedule,
  x: Tensor,
  output: Tensor,
  signal: number | Tensor,
  sigma: number | Tensor,
): CleanAndNoise {
  const isV = schedule.predictionType === 'v_prediction';
  const x0 = isV ? x.mul(signal).sub(output.mul(sigma)) : x.sub(output.mul(sigma)).div(signal);
  const noise = isV ? output.mul(signal).add(x.mul(sigma)) : output;
  return {
    x0: schedule.clipRange === null ? x0 : x0.clipByValue(-schedule.clipRange, schedule.clipRange),
    noise,
  };
}

/** The model's target for noise on x0 at a level: the noise itself, or the velocity. */
export function predictionTarget(schedule: Schedule, x0: Tensor, noise: Tensor, level: number): Tensor {
  if (schedule.predictionType === 'epsilon') return noise;
  return noise.mul(Math.sqrt(level)).sub(x0.mul(Math.sqrt(1 - level)));
}

export interface SampleStepOptions {
  /** 0: deterministic (default); 1: as much fresh noise as DDPM. */
  eta?: number;
  /** Standard normal noise shaped like x; needed when eta > 0. */
  freshNoise?: Tensor;
}

/** The factors of one sampling step, in float64: numbers, or one a row as tensors [B, 1, ...]. */
// A type, not an interface: so that traced functions take it.
export type StepFactors<T = number> = {
  /** sqrt(aBar) and sqrt(1 - aBar) at t. */
  signal: T;
  noise: T;
  /** Of image and noise in the mean of x_(t - stride). */
  nextSignal: T;
  nextNoise: T;
  /** Standard deviation of x_(t - stride) around that mean. */
  sigma: T;
};

/**
 * DDIM's equation 12 and 16: from level a to level b,
 *   sigma = eta sqrt((1 - b) / (1 - a)) sqrt(1 - a / b),  nextSignal = sqrt(b),  nextNoise = sqrt(1 - b - sigma^2)
 */
export function stepFactors(schedule: Schedule, t: number, stride: number, eta: number): StepFactors {
  const level = alphaBarAt(schedule, t);
  const next = alphaBarAt(schedule, t - stride);
  const variance = ((1 - next) / (1 - level)) * (1 - level / next);
  const sigma = eta * Math.sqrt(variance);
  return {
    signal: Math.sqrt(level),
    noise: Math.sqrt(1 - level),
    nextSignal: Math.sqrt(next),
    nextNoise: Math.sqrt(1 - next - sigma * sigma),
    sigma,
  };
}

/** Mean of x_(t - stride) given x_t and the model's output at (x_t, t). */
export function stepMean(
  schedule: Schedule,
  x: Tensor,
  output: Tensor,
  { signal, noise: sigma, nextSignal, nextNoise }: StepFactors | StepFactors<Tensor>,
): Tensor {
  const { x0, noise } = interpretAt(schedule, x, output, signal, sigma);
  return x0.mul(nextSignal).add(noise.mul(nextNoise));
}

/** x_t to x_(t - stride), given the model's output at (x_t, t). */
export function sampleStep(
  schedule: Schedule,
  x: Tensor,
  output: Tensor,
  t: number,
  stride: number,
  { eta = 0, freshNoise }: SampleStepOptions = {},
): Tensor {
  const factors = stepFactors(schedule, t, stride, eta);
  const mean = stepMean(schedule, x, output, factors);
  return eta > 0 ? mean.add(freshNoise!.mul(factors.sigma)) : mean;
}

/** x_(t - stride) to x_t, given the model's output at (x_(t - stride), t): the published label convention. */
export function inversionStep(
  schedule: Schedule,
  x: Tensor,
  output: Tensor,
  t: number,
  stride: number,
): Tensor {
  const source = t - stride < 0 ? schedule.finalAlphaBar : schedule.alphaBar[t - stride]!;
  const target = alphaBarAt(schedule, t);
  const { x0, noise } = interpret(schedule, x, output, source);
  return x0.mul(Math.sqrt(target)).add(noise.mul(Math.sqrt(1 - target)));
}

/** sqrt(aBar_t) x0 + sqrt(1 - aBar_t) noise with one timestep per row of x0 [B, ...]. */
export function addNoise(
  tf: Tf,
  schedule: Schedule,
  x0: Tensor,
  noise: Tensor,
  timesteps: readonly number[],
): Tensor {
  const levels = timesteps.map((t) => alphaBarAt(schedule, t));
  const shape = x0.shape.map((size, axis) => (axis === 0 ? size : 1));
  const signal = tf.tensor(levels.map(Math.sqrt), shape, 'float32');
  const sigma = tf.tensor(
    levels.map((level) => Math.sqrt(1 - level)),
    shape,
    'float32',
  );
  return x0.mul(signal).add(noise.mul(sigma));
}

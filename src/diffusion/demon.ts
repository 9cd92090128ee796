/**
 * Sampling demons: a reward steers the noise of a stochastic sampler, without training (Yeh et al., ICLR 2025, arXiv
 * 2410.05760; rareone0602/demon). Of K noises drawn for a step each is tried, the image that it leads to is scored, and
 * the step is taken with their sum, weighed by the rewards and brought to the length of a normal noise of n values:
 *   z = sqrt(n) s / |s|,  s = sum_k w_k z_k
 *   tanh       w_k = tanh((r_k - mean r) / temperature): away from bad noises as well as towards good ones
 *   boltzmann  w_k = exp(r_k / temperature) / sum exp
 * Differences from the release: a step's own deviation is its temperature, not that of the first step; steps are DDIM's with eta 1, not Heun's of a Karras schedule, and the image that a noise
 * leads to is the model's prediction from the state behind the step, not the end of an ODE from there.
 */
import type { Engine, Tensor } from '../engine/engine.ts';
import { mean } from '../mean.ts';
import { hashSeed } from '../random.ts';
import { interpret, sampleStep, stepFactors } from './ddim.ts';
import { seededNoise } from './noise.ts';
import type { Predictor } from './predictor.ts';
import { alphaBarAt, gridStep, type Schedule, samplingTimesteps } from './schedule.ts';

export const DEMON_WEIGHTINGS = ['tanh', 'boltzmann'] as const;

export interface DemonSettings {
  /** Noises tried in each step, K: as many model calls and scored images more. */
  noises: number;
  weighting: (typeof DEMON_WEIGHTINGS)[number];
  /** In units of the reward; absent: the standard deviation of a step's K rewards. */
  temperature?: number;
}

export const DEFAULT_DEMON: DemonSettings = { noises: 16, weighting: 'tanh' };

/** Rewards that lie closer together than this tell nothing: their noises count alike. */
const LEAST_DEVIATION = 1e-8;

export interface DemonRun {
  engine: Engine;
  schedule: Schedule;
  predict: Predictor;
  /** x_T [B, ...]; row b's noises come from seed b alone. */
  noise: Tensor;
  seeds: readonly number[];
  steps: number;
  demon: DemonSettings;
  /** Rewards of images x_0 [B, ...], row by row; null: none, its noise does not count. */
  score(x0: Tensor): Promise<readonly (number | null)[]>;
  /** After every step; may throw to stop. */
  onStep(done: number): void | Promise<void>;
}

/** The image at the end, x_0 [B, ...]; the caller disposes it. */
export async function sampleWithDemon(run: DemonRun): Promise<Tensor> {
  const { schedule, predict, noise, seeds, steps, onStep } = run;
  const { tf } = run.engine;
  const stride = gridStep(schedule, steps);
  const timesteps = samplingTimesteps(schedule, steps);
  let x = noise.clone();
  try {
    for (const [i, t] of timesteps.entries()) {
      const output = tf.tidy(() => predict(x, t));
      const take = (freshNoise?: Tensor) =>
        sampleStep(schedule, x, output, t, stride, freshNoise ? { eta: 1, freshNoise } : {});
      let fresh: Tensor | undefined;
      try {
        if (stepFactors(schedule, t, stride, 1).sigma > 0)
          fresh = await chosenNoise(run, i, timesteps[i + 1], take);
        const next = tf.tidy(() => take(fresh));
        x.dispose();
        x = next;
      } finally {
        tf.dispose(fresh ? [output, fresh] : output);
      }
      await onStep(i + 1);
    }
    return x;
  } catch (thrown) {
    x.dispose();
    throw thrown;
  }

  /** Noise k of step i. */
  function noiseOf(i: number, k: number): Tensor {
    return seededNoise(
      tf,
      seeds.map((seed) => hashSeed('demon', seed, i, k)),
      noise.shape.slice(1),
    );
  }

  /** @param next timestep behind the step; absent: the step ends at the image */
  async function chosenNoise(
    { score, demon }: DemonRun,
    i: number,
    next: number | undefined,
    take: (fresh: Tensor) => Tensor,
  ): Promise<Tensor> {
    const rewards: (readonly (number | null)[])[] = [];
    for (let k = 0; k < demon.noises; k++) {
      const x0 = tf.tidy(() => {
        const state = take(noiseOf(i, k));
        if (next === undefined) return state;
        return interpret(schedule, state, predict(state, next), alphaBarAt(schedule, next)).x0;
      });
      rewards.push(await score(x0).finally(() => x0.dispose()));
    }
    const weights = seeds.map((_, row) =>
      demonWeights(
        rewards.map((ofNoise) => ofNoise[row]!),
        demon,
      ),
    );
    return tf.tidy(() => {
      let sum = tf.zerosLike(noise) as Tensor;
      for (let k = 0; k < demon.noises; k++) {
        const ofNoise = tf.tensor(
          weights.map((row) => row[k]!),
          [seeds.length, ...noise.shape.slice(1).map(() => 1)],
          'float32',
        );
        sum = sum.add(noiseOf(i, k).mul(ofNoise));
      }
      return onSphere(sum);
    });
  }
}

/** Rows of noise [B, ...] at the length sqrt(n) that a normal noise of n values has about. */
export function onSphere(noise: Tensor): Tensor {
  const axes = noise.shape.map((_, axis) => axis).slice(1);
  return noise.div(noise.square().mean(axes, true).sqrt());
}

/** The weight of each noise by its reward, [K]. */
export function demonWeights(
  rewards: readonly (number | null)[],
  { weighting, temperature }: Pick<DemonSettings, 'weighting' | 'temperature'>,
): number[] {
  const known = rewards.filter((reward) => reward !== null);
  const middle = mean(known);
  // As torch's std: over one less than their number.
  const squares = known.reduce((sum, x) => sum + (x - middle) ** 2, 0);
  const deviation = known.length > 1 ? Math.sqrt(squares / (known.length - 1)) : 0;
  if (deviation < LEAST_DEVIATION)
    return rewards.map((reward) => Number(reward !== null || known.length === 0));
  const scale = temperature ?? deviation;
  const tanh = (reward: number) => Math.tanh((reward - middle) / scale);
  const greatest = Math.max(...known);
  const boltzmann = (reward: number) => Math.exp((reward - greatest) / scale);
  // A common factor of all weights goes with the length.
  const weigh = weighting === 'tanh' ? tanh : boltzmann;
  return rewards.map((reward) => (reward === null ? 0 : weigh(reward)));
}

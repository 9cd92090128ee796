/** A round of images as the policy draws them now: every state on the way, and the density of every step. */
import { type StepFactors, sampleStep, stepFactors, stepMean } from '../../diffusion/ddim.ts';
import { imagesOf, openBatch } from '../../diffusion/draw-images.ts';
import { seededNoise } from '../../diffusion/noise.ts';
import { gridStep, type Schedule, samplingTimesteps } from '../../diffusion/schedule.ts';
import { logDensity } from '../../diffusion/step-density.ts';
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { Weights } from '../../engine/weights.ts';
import { imagesAtOnce } from '../../models/folders/cost.ts';
import type { DiffusionModel } from '../../models/folders/model-folder.ts';
import { hashSeed } from '../../random.ts';
import type { Judge, Scene } from '../judge.ts';

/** As much noise in a step as DDPM has: with less a step would have no density, or hardly one. */
const ETA = 1;

export interface Drawing {
  scene: Scene;
  /** Of the noise that it begins at, and of the noise of its steps. */
  startSeed: number;
  stepSeed: number;
}

export interface Trajectory extends Pick<Drawing, 'scene'> {
  /** Before each step that has noise, and behind the last of them: [steps + 1, values] in one array. */
  states: Float32Array;
  /** Of each of these steps, under the policy that drew it. */
  logDensities: Float32Array;
  reward: number | null;
}

/** A sampling step with noise; the last step of a schedule that ends at a clean image has none. */
export interface NoisyStep {
  t: number;
  factors: StepFactors;
}

export function noisySteps(schedule: Schedule, steps: number): NoisyStep[] {
  const stride = gridStep(schedule, steps);
  return samplingTimesteps(schedule, steps)
    .map((t) => ({ t, factors: stepFactors(schedule, t, stride, ETA) }))
    .filter(({ factors }) => factors.sigma > 0);
}

export interface RoundOptions {
  engine: Engine;
  model: DiffusionModel;
  /** Of the policy's UNet. */
  weights: Weights;
  schedule: Schedule;
  drawings: readonly Drawing[];
  samplingSteps: number;
  guidance: number;
  judge: Judge;
  /** After every sampling step of a batch. */
  onProgress(done: number, total: number): void | Promise<void>;
}

export async function drawRound(options: RoundOptions): Promise<Trajectory[]> {
  const { model, drawings, samplingSteps, guidance, onProgress } = options;
  const together = imagesAtOnce(model.unet.config, guidance);
  const total = Math.ceil(drawings.length / together) * samplingSteps;
  const drawn: Trajectory[] = [];
  let done = 0;
  for (let first = 0; first < drawings.length; first += together) {
    const batch = drawings.slice(first, first + together);
    drawn.push(...(await drawBatch({ ...options, drawings: batch }, () => onProgress(++done, total))));
  }
  return drawn;
}

async function drawBatch(options: RoundOptions, onStep: () => void | Promise<void>): Promise<Trajectory[]> {
  const { engine, model, weights, schedule, drawings, samplingSteps, guidance, judge } = options;
  const { tf } = engine;
  const scenes = drawings.map(({ scene }) => scene);
  const requests = drawings.map(({ scene, startSeed }) => ({ prompt: scene.prompt, seed: startSeed }));
  const policy = { ...model, unet: { ...model.unet, weights } };
  const { predict, noise, dispose } = openBatch(engine, policy, requests, guidance);
  const stride = gridStep(schedule, samplingSteps);
  let x = noise.clone();
  const states = [x.dataSync() as Float32Array];
  const logDensities: Float32Array[] = [];
  try {
    for (const [i, t] of samplingTimesteps(schedule, samplingSteps).entries()) {
      const factors = stepFactors(schedule, t, stride, ETA);
      const before = x;
      x = tf.tidy(() => {
        const output = predict(before, t);
        const seeds = drawings.map(({ stepSeed }) => hashSeed('sampling-step', stepSeed, i));
        const freshNoise = seededNoise(tf, seeds, x.shape.slice(1));
        const next = sampleStep(schedule, before, output, t, stride, { eta: ETA, freshNoise });
        if (factors.sigma > 0) {
          const mean = stepMean(schedule, before, output, factors);
          const sigma = tf.fill([drawings.length], factors.sigma) as Tensor;
          logDensities.push(logDensity(next, mean, sigma).dataSync() as Float32Array);
          states.push(next.dataSync() as Float32Array);
        }
        return next;
      });
      before.dispose();
      await onStep();
    }
    const judged = await judge(scenes, imagesOf(engine, model, x));
    return scenes.map((scene, row) => ({
      scene,
      states: rowOf(states, row, drawings.length),
      logDensities: Float32Array.from(logDensities, (ofStep) => ofStep[row]!),
      reward: judged[row]!.reward,
    }));
  } finally {
    x.dispose();
    dispose();
  }
}

/** The values of one row of every batch, one batch behind the other. */
function rowOf(batches: readonly Float32Array[], row: number, rows: number): Float32Array {
  const size = batches[0]!.length / rows;
  const out = new Float32Array(batches.length * size);
  for (const [i, values] of batches.entries())
    out.set(values.subarray(row * size, (row + 1) * size), i * size);
  return out;
}

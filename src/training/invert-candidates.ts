/**
 * Every candidate inverted once under the reference and kept on disk, in batches, so that an interrupted run
 * goes on with the first one that is missing.
 */
import { createHash } from 'node:crypto';
import { disposeTrajectory, invert } from '../diffusion/invert.ts';
import { guidedPredictor } from '../diffusion/predictor.ts';
import type { Schedule } from '../diffusion/schedule.ts';
import type { Engine, Tensor } from '../engine/engine.ts';
import { type RgbImage, toPixels } from '../engine/image.ts';
import { DiptychError } from '../errors.ts';
import { imagesAtOnce } from '../models/cost.ts';
import { toLatents } from '../models/latents.ts';
import type { DiffusionModel } from '../models/model-folder.ts';
import type { Prompt } from '../models/prompt.ts';
import { disposeCondition, encodeEmpty, encodePrompts } from '../models/text-condition.ts';
import { OBJECTIVE } from './objective.ts';
import type { PairTrainSettings } from './settings.ts';
import { openTrajectories, type TrajectoryStore } from './trajectory-store.ts';

export interface TrainCandidate {
  id: string;
  prompt: Prompt;
  /** Of the encoded image: part of what a stored trajectory depends on. */
  sha256: string;
  load(): Promise<RgbImage>;
}

export interface InvertOptions {
  engine: Engine;
  model: DiffusionModel;
  settings: PairTrainSettings;
  schedule: Schedule;
  candidates: readonly TrainCandidate[];
  folder: string;
  onProgress(done: number): void | Promise<void>;
}

/** The store holds the candidates in the order of the list; the caller closes it. */
export async function invertCandidates(options: InvertOptions): Promise<TrajectoryStore> {
  const { engine, model, settings, schedule, candidates, folder, onProgress } = options;
  const { sampleSize, inChannels } = model.unet.config;
  // The others need the images alone: a trajectory of one state.
  const inverts = OBJECTIVE[settings.objective].states === 'inverted';
  const states = inverts ? settings.inversionSteps + 1 : 1;
  const about = [
    model.hash,
    model.scheduler,
    states,
    settings.guidance,
    ...candidates.map(({ sha256, prompt }) => [sha256, prompt]),
  ];
  const key = createHash('sha256').update(JSON.stringify(about)).digest('hex');
  const store = await openTrajectories(folder, { key, states, shape: [sampleSize, sampleSize, inChannels] });
  try {
    const together = imagesAtOnce(model.unet.config, settings.guidance);
    while (store.count() < candidates.length) {
      const batch = candidates.slice(store.count(), store.count() + together);
      const images = await Promise.all(batch.map((candidate) => candidate.load()));
      const pixels = imageTensor(engine, images, model.imageSide);
      const x0 = toLatents(engine, model, pixels);
      pixels.dispose();
      const prompts = batch.map(({ prompt }) => prompt);
      const values = inverts
        ? trajectoriesOf(engine, model, settings, schedule, x0, prompts)
        : (x0.dataSync() as Float32Array);
      x0.dispose();
      await store.append(values, batch.length);
      await onProgress(store.count());
    }
    return store;
  } catch (thrown) {
    await store.close();
    throw thrown;
  }
}

/** The states of every row's inversion, on the host: [B, states, values]. */
function trajectoriesOf(
  engine: Engine,
  model: DiffusionModel,
  { guidance, inversionSteps }: PairTrainSettings,
  schedule: Schedule,
  x0: Tensor,
  prompts: readonly Prompt[],
): Float32Array {
  const prompt = encodePrompts(engine, model, prompts);
  const empty = encodeEmpty(engine, model);
  const { config, weights } = model.unet;
  const predict = guidedPredictor(engine, config, weights, { prompt, empty }, guidance);
  const trajectory = invert(engine, schedule, predict, x0, inversionSteps);
  const states = trajectory.states.length;
  const size = x0.size / prompts.length;
  const out = new Float32Array(states * x0.size);
  for (const [s, state] of trajectory.states.entries()) {
    const values = state.dataSync();
    for (let row = 0; row < prompts.length; row++) {
      out.set(values.subarray(row * size, (row + 1) * size), (row * states + s) * size);
    }
  }
  disposeTrajectory(trajectory);
  for (const condition of [prompt, empty]) disposeCondition(condition);
  return out;
}

/** Pixels in [-1, 1]: [B, S, S, 3]. Throws DIPTYCH_INVALID_INPUT on another size. */
function imageTensor({ tf }: Engine, images: readonly RgbImage[], side: number): Tensor {
  const other = images.find(({ width, height }) => width !== side || height !== side);
  if (other) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `a candidate is ${other.width} x ${other.height} pixels, the model works at ${side} x ${side}`,
    );
  }
  return tf.tensor(toPixels(images), [images.length, side, side, 3], 'float32');
}

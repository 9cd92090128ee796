/** Prompts and seeds to images, a batch that fits into memory at a time. */

import type { Engine, Tensor } from '../engine/engine.ts';
import { fromPixels, type RgbImage } from '../engine/image.ts';
import { imagesAtOnce } from '../models/folders/cost.ts';
import type { DiffusionModel } from '../models/folders/model-folder.ts';
import { fromLatents } from '../models/inputs/latents.ts';
import type { Prompt } from '../models/inputs/prompt.ts';
import { disposeCondition, encodeEmpty, encodePrompts } from '../models/inputs/text-condition.ts';
import { seededNoise } from './noise.ts';
import { guidedPredictor, type Predictor } from './predictor.ts';
import { sample } from './sample.ts';
import { parseSchedule } from './schedule.ts';

export interface DrawRequest {
  prompt: Prompt;
  seed: number;
}

export interface DrawSettings {
  /** DDIM steps. */
  steps: number;
  guidance: number;
}

/** One image per request, in order. `onShare` gets the finished share after every step, and may throw to stop. */
export function drawImages(
  engine: Engine,
  model: DiffusionModel,
  requests: readonly DrawRequest[],
  settings: DrawSettings,
  onShare: (share: number) => void,
): RgbImage[] {
  const together = imagesAtOnce(model.unet.config, settings.guidance);
  const images: RgbImage[] = [];
  for (let first = 0; first < requests.length; first += together) {
    const batch = requests.slice(first, first + together);
    const onStep = (done: number) =>
      onShare((first + (batch.length * done) / settings.steps) / requests.length);
    images.push(...drawBatch(engine, model, batch, settings, onStep));
  }
  return images;
}

function drawBatch(
  engine: Engine,
  model: DiffusionModel,
  requests: readonly DrawRequest[],
  { steps, guidance }: DrawSettings,
  onStep: (done: number) => void,
): RgbImage[] {
  const { predict, noise, dispose } = openBatch(engine, model, requests, guidance);
  try {
    const x0 = sample(engine, parseSchedule(model.scheduler), predict, noise, steps, onStep);
    const images = imagesOf(engine, model, x0);
    x0.dispose();
    return images;
  } finally {
    dispose();
  }
}

interface Batch {
  predict: Predictor;
  /** x_T [B, ...], of the requests' seeds. */
  noise: Tensor;
  dispose(): void;
}

/** What any sampler needs of a batch of requests. */
export function openBatch(
  engine: Engine,
  model: DiffusionModel,
  requests: readonly DrawRequest[],
  guidance: number,
): Batch {
  const { config, weights } = model.unet;
  const prompt = encodePrompts(
    engine,
    model,
    requests.map((request) => request.prompt),
  );
  const empty = encodeEmpty(engine, model);
  const noise = seededNoise(
    engine.tf,
    requests.map((request) => request.seed),
    [config.sampleSize, config.sampleSize, config.inChannels],
  );
  return {
    predict: guidedPredictor(engine, config, weights, { prompt, empty }, guidance),
    noise,
    dispose() {
      for (const condition of [prompt, empty]) disposeCondition(condition);
      noise.dispose();
    },
  };
}

/** What a sampler ended at, or predicts, [B, ...], as B images. */
export function imagesOf(engine: Engine, model: DiffusionModel, x0: Tensor): RgbImage[] {
  const images = fromLatents(engine, model, x0);
  const pixels = images.dataSync() as Float32Array;
  images.dispose();
  return fromPixels(pixels, model.imageSide, model.imageSide);
}

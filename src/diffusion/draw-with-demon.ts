/** Prompts and seeds to images as draw-images.ts has it, by a sampler that a reward steers (demon.ts). */
import type { Engine } from '../engine/engine.ts';
import type { RgbImage } from '../engine/image.ts';
import { imagesAtOnce } from '../models/folders/cost.ts';
import type { DiffusionModel } from '../models/folders/model-folder.ts';
import { type DemonSettings, sampleWithDemon } from './demon.ts';
import { type DrawRequest, type DrawSettings, imagesOf, openBatch } from './draw-images.ts';
import { parseSchedule } from './schedule.ts';

/** Rewards of images, image i being one of request `places[i]`; null: none can be told. */
export type ScoreImages = (
  places: readonly number[],
  images: readonly RgbImage[],
) => Promise<readonly (number | null)[]>;

/** One image per request, in order. `onShare` gets the finished share after every step, and may throw to stop. */
export async function drawWithDemon(
  engine: Engine,
  model: DiffusionModel,
  requests: readonly DrawRequest[],
  { steps, guidance }: DrawSettings,
  demon: DemonSettings,
  score: ScoreImages,
  onShare: (share: number) => void,
): Promise<RgbImage[]> {
  const together = imagesAtOnce(model.unet.config, guidance);
  const images: RgbImage[] = [];
  for (let first = 0; first < requests.length; first += together) {
    const batch = requests.slice(first, first + together);
    const places = batch.map((_, i) => first + i);
    const { predict, noise, dispose } = openBatch(engine, model, batch, guidance);
    try {
      const x0 = await sampleWithDemon({
        ...{ engine, predict, noise, steps, demon },
        schedule: parseSchedule(model.scheduler),
        seeds: batch.map(({ seed }) => seed),
        score: (predicted) => score(places, imagesOf(engine, model, predicted)),
        onStep: (done) => onShare((first + (batch.length * done) / steps) / requests.length),
      });
      images.push(...imagesOf(engine, model, x0));
      x0.dispose();
    } finally {
      dispose();
    }
  }
  return images;
}

/** What training needs from whoever measures images: the run's metrics and its reward, behind a port. */
import type { RgbImage } from '../engine/image.ts';
import type { Prompt } from '../models/inputs/prompt.ts';

/** Something to draw an image of. */
export interface Scene {
  id: string;
  prompt: Prompt;
}

export interface Judgement {
  metrics: Readonly<Record<string, number>>;
  /** Null where a metric with a say is missing. */
  reward: number | null;
}

/** One judgement per image; image i was made for scene i. */
export type Judge = (scenes: readonly Scene[], images: readonly RgbImage[]) => Promise<Judgement[]>;

/** What makes images from prompts. Replaceable: a model in this process, AUTOMATIC1111, a service. */
import type { RgbImage } from '../engine/image.ts';
import type { TripleText } from '../models/inputs/prompt.ts';

export interface ImageRequest {
  prompt: string;
  /** Whose image it is, for a generator that measures what it draws. */
  scene?: string;
  /** The scene graph behind it, for a generator that reads one. */
  triples?: readonly TripleText[];
  /** 0 to 2^32 - 1. */
  seed: number;
}

/** An image, or why there is none: one that fails never fails its batch. */
export type GeneratedImage = { image: RgbImage } | { failed: string };

export interface ImageGenerator {
  name: string;
  /** One item per request, in order. Throws only for what concerns them all, and `signal`'s reason once it fires. */
  generate(
    requests: readonly ImageRequest[],
    options: { signal?: AbortSignal /** Finished share, 0 to 1. */; onProgress?(share: number): void },
  ): Promise<GeneratedImage[]>;
}

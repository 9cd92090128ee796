/** Training batches of painted scenes, each a pure function of (seed, step): resuming needs no data state. */
import { promptText } from '../../src/annotations/prompt.ts';
import type { RgbImage } from '../../src/engine/image.ts';
import { createRandom, hashSeed, type Random } from '../../src/random.ts';
import { paint } from '../../src/sample-world/painter.ts';
import { isHeldOut, sampleScene } from '../../src/sample-world/scenes.ts';

export interface SceneBatch {
  images: RgbImage[];
  prompts: string[];
  random: Random;
}

/** `size` scenes that are not held out, with their prompts. The random stream goes on for the caller. */
export function sceneBatch(seed: number, step: number, size: number): SceneBatch {
  const random = createRandom(hashSeed('pretrain-batch', seed, step));
  const images: RgbImage[] = [];
  const prompts: string[] = [];
  while (images.length < size) {
    const scene = sampleScene(random);
    if (isHeldOut(scene.annotation)) continue;
    images.push(paint(scene, random));
    prompts.push(promptText(scene.annotation));
  }
  return { images, prompts, random };
}

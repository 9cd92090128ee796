/** The study's annotations: none that pretraining saw, and none in two places. */
import type { Annotation } from '../../src/annotations/annotation.ts';
import { promptText } from '../../src/annotations/prompt.ts';
import { createRandom, hashSeed } from '../../src/random.ts';
import { isHeldOut, sampleScene } from '../../src/sample-world/scenes.ts';

/** Seed 0 chooses settings; the comparison has the others. */
export const TUNING_SEED = 0;
export const COMPARED_SEEDS = [1, 2, 3] as const;

const CURATED = 200;
const MEASURED = 128;

export interface StudyScenes {
  /** By seed: what candidates are made of. */
  curated: ReadonlyMap<number, Annotation[]>;
  /** What settings are chosen on. */
  validation: Annotation[];
  /** What the comparison is measured on, for every seed. */
  heldOut: Annotation[];
}

export function studyScenes(): StudyScenes {
  const random = createRandom(hashSeed('study-scenes'));
  const known = new Set<string>();
  const take = (count: number): Annotation[] => {
    const taken: Annotation[] = [];
    while (taken.length < count) {
      const { annotation } = sampleScene(random);
      const text = promptText(annotation);
      if (!isHeldOut(annotation) || known.has(text)) continue;
      known.add(text);
      taken.push(annotation);
    }
    return taken;
  };
  return {
    validation: take(MEASURED),
    heldOut: take(MEASURED),
    curated: new Map([TUNING_SEED, ...COMPARED_SEEDS].map((seed) => [seed, take(CURATED)])),
  };
}

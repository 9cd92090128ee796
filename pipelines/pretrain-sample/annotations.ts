/** models/sample/annotations.json: scenes whose graphs pretraining never sees, as a LAION-SG file. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Annotation } from '../../src/annotations/annotation.ts';
import { promptText } from '../../src/annotations/prompt.ts';
import { createRandom, hashSeed } from '../../src/random.ts';
import { isHeldOut, sampleScene } from '../../src/sample-world/scenes.ts';

/** How many annotations have one, two and three items: there are few different graphs of one item. */
const COUNTS = [8, 312, 40] as const;

export async function writeSampleAnnotations(folder: string, seed: number): Promise<void> {
  const random = createRandom(hashSeed('sample-annotations', seed));
  const left = [...COUNTS] as number[];
  const seen = new Set<string>();
  const annotations: Annotation[] = [];
  while (left.some((n) => n > 0)) {
    const { annotation } = sampleScene(random);
    const prompt = promptText(annotation);
    const kind = annotation.items.length - 1;
    if (!isHeldOut(annotation) || seen.has(prompt) || left[kind]! === 0) continue;
    seen.add(prompt);
    left[kind]!--;
    annotations.push({ ...annotation, img_id: String(700000 + annotations.length) });
  }
  const lines = annotations.map((annotation) => JSON.stringify(annotation));
  await writeFile(path.join(folder, 'annotations.json'), `[\n${lines.join(',\n')}\n]\n`);
}

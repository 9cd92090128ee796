/** The candidates of a seed: four images for each of its curated annotations, measured; made once and kept. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Annotation } from '../../src/annotations/annotation.ts';
import { promptText } from '../../src/annotations/prompt.ts';
import { decodeImage, encodePng } from '../../src/engine/png.ts';
import { textPrompt } from '../../src/models/inputs/prompt.ts';
import { hashSeed } from '../../src/random.ts';
import type { MetricValues } from '../../src/scoring/reward.ts';
import type { TrainCandidate } from '../../src/training/train.ts';
import type { Lab } from './lab.ts';

const PER_ANNOTATION = 4;

export interface StudyCandidate {
  id: string;
  annotationId: string;
  slot: number;
  prompt: string;
  sha256: string;
  metrics: MetricValues;
}

/** @param folder where images and metrics are kept */
export async function candidatesOf(
  lab: Lab,
  annotations: readonly Annotation[],
  seed: number,
  folder: string,
): Promise<StudyCandidate[]> {
  const list = path.join(folder, 'candidates.json');
  if (existsSync(list)) return JSON.parse(await readFile(list, 'utf8')) as StudyCandidate[];
  await mkdir(folder, { recursive: true });
  const draws = annotations.flatMap((annotation) =>
    Array.from({ length: PER_ANNOTATION }, (_, slot) => ({
      ...{ annotation, slot },
      seed: hashSeed('study-candidate', seed, annotation.img_id, slot),
    })),
  );
  const images = lab.draw(lab.base, draws);
  const metrics = await lab.measure(draws, images);
  const candidates: StudyCandidate[] = [];
  for (const [i, { annotation, slot }] of draws.entries()) {
    const png = await encodePng(images[i]!);
    const sha256 = createHash('sha256').update(png).digest('hex');
    await writeFile(path.join(folder, `${sha256}.png`), png);
    candidates.push({
      id: `${annotation.img_id}/${slot}`,
      ...{ annotationId: annotation.img_id, slot, prompt: promptText(annotation), sha256 },
      metrics: metrics[i]!,
    });
  }
  await writeFile(`${list}.tmp`, JSON.stringify(candidates));
  await rename(`${list}.tmp`, list);
  return candidates;
}

export function asTrainCandidate({ id, prompt, sha256 }: StudyCandidate, folder: string): TrainCandidate {
  const load = async () => decodeImage(await readFile(path.join(folder, `${sha256}.png`)));
  return { id, prompt: textPrompt(prompt), sha256, load };
}

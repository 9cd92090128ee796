/** An annotation file and a folder of its images, as training a scene-graph encoder wants them. */
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promptText, tripleTexts } from '../annotations/prompt.ts';
import { readAnnotations } from '../annotations/records.ts';
import { decodeImage } from '../engine/png.ts';
import { DiptychError } from '../errors.ts';
import type { GraphImage } from '../training/scene-graph/train-scene-graph-encoder.ts';

export interface GraphImages {
  images: GraphImage[];
  leftOut: LeftOut[];
}

/** An annotation that nothing is learned from. */
export interface LeftOut {
  /** Its img_id, or where it stands in the file. */
  name: string;
  why: (typeof REASONS)[number];
}

/** Without a relation the encoder has no part in the condition. */
export const REASONS = ['not valid', 'without a relation', 'without an image'] as const;

const EXTENSIONS = ['.png', '.jpg', '.webp'];

/** In the order of the file. Throws as the file system does when either can't be read. */
export async function readGraphImages(annotationFile: string, imageFolder: string): Promise<GraphImages> {
  // Listed once: an img_id is compared with names and never becomes part of a path by itself.
  const names = new Set(await readdir(imageFolder));
  const found: GraphImages = { images: [], leftOut: [] };
  for await (const record of readAnnotations(createReadStream(annotationFile))) {
    if (record.problem) {
      const { field, reason } = record.problem;
      found.leftOut.push({ name: `line ${record.line} (${field} ${reason})`, why: 'not valid' });
      continue;
    }
    const { annotation } = record;
    const id = annotation.img_id;
    const triples = tripleTexts(annotation);
    const name = EXTENSIONS.map((extension) => id + extension).find((candidate) => names.has(candidate));
    if (triples.length === 0) found.leftOut.push({ name: id, why: 'without a relation' });
    else if (name === undefined) found.leftOut.push({ name: id, why: 'without an image' });
    else {
      const file = path.join(imageFolder, name);
      const prompt = { text: promptText(annotation), triples };
      found.images.push({ id, prompt, load: () => decodeFile(file) });
    }
  }
  return found;
}

async function decodeFile(file: string) {
  const bytes = await readFile(file);
  return decodeImage(bytes).catch((cause: Error) => {
    throw new DiptychError('DIPTYCH_BAD_FILE', `${file}: ${cause.message}`, { cause });
  });
}

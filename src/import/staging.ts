/**
 * Where an import keeps what it has read until all of it is known to be good: a folder with the rows as JSON lines and
 * the images by hash. What the store then gets, it gets at once; memory holds a few images at a time.
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import PQueue from 'p-queue';
import { imageSize, measureImage } from '../engine/png.ts';
import { asError } from '../errors.ts';
import { blobFile, sha256Of } from '../store/blobs.ts';
import type { ImportedAnnotation, ImportedCandidate } from '../store/imported.ts';
import type { ReadAnnotation, ReadCandidate } from './imported.ts';
import { linesOf } from './lines.ts';

/** Of an image, 8192 x 8192: decoded it takes 200 MB. */
export const MAX_PIXELS = 2 ** 26;
const CONCURRENCY = 4;
/** Annotations whose images are looked at together. */
const WINDOW = 8;
/** Annotations in one statement. */
const BATCH = 100;

export interface Staged {
  /** Folder of a blob store, to be adopted. */
  blobs: string;
  annotations: number;
  /** In their order, some at a time. */
  batches(): AsyncGenerator<ImportedAnnotation[]>;
}

/**
 * Reads everything. Throws DIPTYCH_BAD_FILE, by the candidate's own word for where, for bytes that are no image or
 * an image of more than MAX_PIXELS, and what the annotations throw.
 */
export async function stageImport(
  annotations: AsyncIterable<ReadAnnotation>,
  folder: string,
  onImages: (bytes: number) => void,
): Promise<Staged> {
  const [rows, blobs] = [path.join(folder, 'rows.jsonl'), path.join(folder, 'blobs')];
  // The first two digits of the blobs' names.
  const prefixes = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));
  await Promise.all(prefixes.map((prefix) => mkdir(path.join(blobs, prefix), { recursive: true })));
  const queue = new PQueue({ concurrency: CONCURRENCY });
  let count = 0;

  const staged = async ({ claimed, bytes, fail, ...known }: ReadCandidate): Promise<ImportedCandidate> => {
    // What its own export has a hash of is whole.
    const sizeOf = async () => (claimed ? imageSize : measureImage)(bytes, MAX_PIXELS);
    const size = await sizeOf().catch((thrown) => {
      const { message, cause } = asError(thrown);
      throw fail(`is ${message}: ${asError(cause).message}`);
    });
    const found = { sha256: sha256Of(bytes), ...size };
    for (const name of ['sha256', 'width', 'height'] as const) {
      if (claimed && claimed[name] !== found[name])
        throw fail(`has ${name} ${found[name]}, it should be ${claimed[name]}`);
    }
    // Nobody reads it before it is adopted, and the same bytes may be written twice.
    // A thread for each would take longer than the writing.
    writeFileSync(blobFile(blobs, found.sha256), bytes);
    return { ...known, ...found };
  };
  const lineOf = async ({ candidates, ...annotation }: ReadAnnotation): Promise<string> => {
    const images = await Promise.all(candidates.map((one) => queue.add(() => staged(one))));
    onImages(candidates.reduce((sum, { bytes }) => sum + bytes.length, 0));
    return `${JSON.stringify({ ...annotation, candidates: images })}\n`;
  };

  const looking: Promise<string>[] = [];
  try {
    for await (const annotation of annotations) {
      const line = lineOf(annotation);
      // It is waited for below, after others.
      line.catch(() => {});
      looking.push(line);
      count++;
      if (looking.length === WINDOW) appendFileSync(rows, await looking.shift()!);
    }
    for (const line of looking) appendFileSync(rows, await line);
  } finally {
    // Nothing is written any more once this has failed: the folder can be removed.
    queue.clear();
    await queue.onIdle();
  }
  return { blobs, annotations: count, batches: () => batchesOf(rows) };
}

async function* batchesOf(rows: string): AsyncGenerator<ImportedAnnotation[]> {
  let batch: ImportedAnnotation[] = [];
  for await (const line of linesOf(rows, 'rows.jsonl', Number.POSITIVE_INFINITY)) {
    batch.push(JSON.parse(line) as ImportedAnnotation);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

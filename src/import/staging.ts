/**
 * Where an import keeps what it has read until all of it is known to be good: a folder with the rows as JSON lines and
 * the images by hash. What the store then gets, it gets at once; memory holds a few images at a time.
 */
import { appendFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import PQueue from 'p-queue';
import { measureImage } from '../engine/png.ts';
import { asError } from '../errors.ts';
import { folderBlobs } from '../store/blobs.ts';
import type { ImportedAnnotation, ImportedCandidate } from '../store/imported.ts';
import type { ReadAnnotation, ReadCandidate } from './imported.ts';
import { linesOf } from './lines.ts';

/** Of an image, 8192 x 8192: decoded it takes 200 MB. */
export const MAX_PIXELS = 2 ** 26;
const CONCURRENCY = 8;
/** Annotations whose images are looked at together. */
const WINDOW = 32;
/** Annotations in one statement. */
const BATCH = 500;

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
  await mkdir(blobs, { recursive: true });
  const { put } = folderBlobs(blobs, { durable: false });
  const queue = new PQueue({ concurrency: CONCURRENCY });
  let count = 0;

  const staged = async ({ claimed, bytes, fail, ...known }: ReadCandidate): Promise<ImportedCandidate> => {
    const size = await measureImage(bytes, MAX_PIXELS).catch((thrown) => {
      const { message, cause } = asError(thrown);
      throw fail(`is ${message}: ${asError(cause).message}`);
    });
    const sha256 = await put(bytes);
    const found = { sha256, ...size };
    for (const name of ['sha256', 'width', 'height'] as const) {
      if (claimed && claimed[name] !== found[name])
        throw fail(`has ${name} ${found[name]}, it should be ${claimed[name]}`);
    }
    return { ...known, ...found };
  };
  const flush = async (window: readonly ReadAnnotation[]) => {
    const lines = await Promise.all(
      window.map(async ({ candidates, ...annotation }) => {
        const images = await Promise.all(candidates.map((one) => queue.add(() => staged(one))));
        return `${JSON.stringify({ ...annotation, candidates: images })}\n`;
      }),
    );
    await appendFile(rows, lines.join(''));
    count += window.length;
    onImages(
      window.flatMap(({ candidates }) => candidates).reduce((sum, { bytes }) => sum + bytes.length, 0),
    );
  };

  try {
    let window: ReadAnnotation[] = [];
    for await (const annotation of annotations) {
      window.push(annotation);
      if (window.length < WINDOW) continue;
      await flush(window);
      window = [];
    }
    await flush(window);
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

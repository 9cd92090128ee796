/** One's own images: `IMG_ID/SLOT.png` (or .jpg, .jpeg, .webp) for annotations that are in the set already. */
import { readFile } from 'node:fs/promises';
import { DiptychError } from '../errors.ts';
import type { SourceFile } from './files.ts';
import type { ReadAnnotation, ReadCandidate } from './imported.ts';

/** Of an encoded image; it is held in memory. */
const MAX_BYTES = 256 * 2 ** 20;
/** Slots beyond it are no candidates but a mistake. */
const MAX_SLOT = 1023;
const NAME = /^([^/]+)\/(0|[1-9][0-9]{0,3})\.(png|jpe?g|webp)$/i;

/** Throws DIPTYCH_BAD_FILE for a file of another name, two of a slot, and one that is too long. */
export async function* readImageFolder(files: readonly SourceFile[]): AsyncGenerator<ReadAnnotation> {
  const folders = new Map<string, Map<number, SourceFile>>();
  for (const file of files) {
    const [, imgId, digits] = NAME.exec(file.name) ?? [];
    const slot = Number(digits);
    if (imgId === undefined || slot > MAX_SLOT)
      throw failure(file, `must be named IMG_ID/SLOT.png, .jpg or .webp, with a slot from 0 to ${MAX_SLOT}`);
    if (file.bytes > MAX_BYTES)
      throw failure(file, `has ${file.bytes} bytes, the most allowed is ${MAX_BYTES}`);
    const slots = folders.get(imgId) ?? new Map<number, SourceFile>();
    const other = slots.get(slot);
    if (other) throw failure(file, `is of the same slot as ${other.name}`);
    folders.set(imgId, slots.set(slot, file));
  }
  for (const [imgId, slots] of folders) {
    const inOrder = [...slots].sort(([a], [b]) => a - b);
    yield { imgId, content: null, candidates: await Promise.all(inOrder.map(candidateOf)) };
  }
}

async function candidateOf([slot, file]: [number, SourceFile]): Promise<ReadCandidate> {
  const generation = { model: 'imported', modelHash: null, sampler: null, steps: null, guidance: null };
  const bytes = await readFile(file.path);
  return { slot, seed: null, bytes, generation, scores: [], fail: (problem) => failure(file, problem) };
}

const failure = ({ name }: SourceFile, problem: string) =>
  new DiptychError('DIPTYCH_BAD_FILE', `${name}: ${problem}`);

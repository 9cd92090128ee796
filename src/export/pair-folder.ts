/**
 * Pairs alone, as a folder that the trainers of Diffusion-DPO, Inversion-DPO and diffusers load: every pair in the
 * split "train". Ties are left out, for diffusers' trainer would take the first image of one for the winner.
 */
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { DiptychError } from '../errors.ts';
import type { PairSettings } from '../preference/pairs.ts';
import { readOnce, rowBytes } from './layout.ts';
import { PICKAPIC_COLUMNS, pickapicRow } from './layouts/pickapic.ts';
import { comparisonsOf, pairsIn } from './pairs.ts';
import { parquetWriter } from './parquet.ts';
import type { ExportAnnotation } from './rows.ts';
import { openSplit } from './shards.ts';
import { makeWorkFolder } from './work-folder.ts';

export interface PairFolderOptions {
  annotations: AsyncIterable<ExportAnnotation>;
  /** Reads an encoded image. */
  load(sha256: string): Promise<Uint8Array>;
  pairs: PairSettings;
  /** Whether a winner has to be as good on every metric. */
  dominance: boolean;
  /** Folder to make; there is none of that name. */
  folder: string;
  /** Called after every annotation; throws to stop. */
  onAnnotation(): void;
}

/** The folder has its name only when it is whole. Throws DIPTYCH_INVALID_INPUT when there is no pair. */
export async function writePairFolder(options: PairFolderOptions): Promise<void> {
  const { annotations, load, dominance, folder, onAnnotation } = options;
  const settings: PairSettings = { ...options.pairs, ties: 'drop' };
  const work = await makeWorkFolder(folder);
  const data = path.join(work, 'data');
  const split = await openSplit(data, 'train', 'parquet', (file) => parquetWriter(file, PICKAPIC_COLUMNS));
  let rows = 0;
  for await (const annotation of annotations) {
    const pairs = pairsIn(comparisonsOf(annotation, settings, dominance));
    const image = readOnce(load);
    for (const pair of pairs) {
      const row = await pickapicRow({ annotation, pairs, image }, pair, rows++, null);
      await split.write(row, rowBytes(row));
    }
    onAnnotation();
  }
  await split.close();
  if (rows === 0) {
    await rm(work, { recursive: true });
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      'there are no pairs to train on: no two candidates of an annotation have rewards that differ by more than `pairs.margin`',
    );
  }
  await rename(work, folder);
}

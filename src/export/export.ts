/**
 * Writes a run's exports from a stream of annotations with their candidates: the scored dataset, the Pick-a-Pic
 * layout, and the scores alone. One pass; memory holds one annotation and one row group per file. The files are
 * made in a folder of the call's own, which takes the place of the last export when all of them are whole.
 */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { PairSettings } from '../preference/pairs.ts';
import { datasetCard } from './dataset-card.ts';
import { imageColumns, imageRow } from './images.ts';
import { parquetLiteWriter } from './parquet-lite.ts';
import { PICKAPIC_COLUMNS, pairsOf, pickapicRow } from './pickapic.ts';
import { type ExportAnnotation, splitOf } from './rows.ts';
import { SCORE_COLUMNS, scoreRows } from './scores.ts';
import { openSplit } from './shards.ts';
import type { TableFile } from './table.ts';
import { makeWorkFolder } from './work-folder.ts';

export interface ExportOptions {
  annotations: AsyncIterable<ExportAnnotation>;
  /** Reads an encoded image. */
  load(sha256: string): Promise<Uint8Array>;
  metrics: readonly string[];
  reward: { policy: string; weights: Record<string, number> };
  pairs: PairSettings;
  /** Folder to make or replace. */
  folder: string;
  /** For the dataset cards. */
  facts: Record<string, string>;
  onAnnotation(done: number): void | Promise<void>;
}

export interface ExportResult {
  /** Every Parquet file, with its name within the export. */
  files: (TableFile & { name: string })[];
  candidates: number;
  pairs: number;
}

const SPLITS = ['train', 'validation'] as const;

export async function writeExports(options: ExportOptions): Promise<ExportResult> {
  const work = await makeWorkFolder(options.folder);
  try {
    const { files, ...counts } = await writeFiles(options, work);
    await rm(options.folder, { recursive: true, force: true });
    await rename(work, options.folder);
    return {
      files: files.map((file) => ({ ...file, path: path.join(options.folder, file.name) })),
      ...counts,
    };
  } catch (thrown) {
    await rm(work, { recursive: true, force: true });
    throw thrown;
  }
}

async function writeFiles(options: ExportOptions, folder: string): Promise<ExportResult> {
  const { annotations, load, metrics, reward, pairs: pairSettings } = options;
  const layouts = {
    images: { folder: path.join(folder, 'images'), columns: imageColumns(metrics) },
    pickapic: { folder: path.join(folder, 'pickapic'), columns: PICKAPIC_COLUMNS },
  };
  const open = async (layout: keyof typeof layouts) => {
    const { folder: target, columns } = layouts[layout];
    const writers = SPLITS.map(async (split) => [
      split,
      await openSplit(path.join(target, 'data'), split, columns),
    ]);
    return Object.fromEntries(await Promise.all(writers)) as Record<
      (typeof SPLITS)[number],
      Awaited<ReturnType<typeof openSplit>>
    >;
  };
  const [images, pickapic] = [await open('images'), await open('pickapic')];
  await mkdir(path.join(folder, 'scores'), { recursive: true });
  const scores = await parquetLiteWriter(path.join(folder, 'scores', 'scores.parquet'), SCORE_COLUMNS);
  const policy = JSON.stringify({ policy: reward.policy, weights: reward.weights });

  const rowNumbers = { train: 0, validation: 0 };
  let [done, candidates, pairCount] = [0, 0, 0];
  for await (const annotation of annotations) {
    const split = splitOf(annotation.imgId);
    const bytes = new Map<string, Uint8Array>();
    for (const { sha256 } of annotation.candidates) {
      if (!bytes.has(sha256)) bytes.set(sha256, await load(sha256));
    }
    for (const [i, candidate] of annotation.candidates.entries()) {
      const image = bytes.get(candidate.sha256)!;
      await images[split].write(imageRow(annotation, i, image, metrics, policy), image.length);
      for (const row of scoreRows({ imgId: annotation.imgId, ...candidate })) await scores.write(row);
    }
    const pairs = pairsOf(annotation, pairSettings, reward.policy === 'dominance');
    for (const pair of pairs) {
      const row = pickapicRow(annotation, pair, pairs.length, rowNumbers[split]++, (sha) => bytes.get(sha)!);
      await pickapic[split].write(row, (row.jpg_0 as Uint8Array).length + (row.jpg_1 as Uint8Array).length);
    }
    candidates += annotation.candidates.length;
    pairCount += pairs.length;
    await options.onAnnotation(++done);
  }

  const files: ExportResult['files'] = [];
  for (const [layout, writers] of Object.entries({ images, pickapic })) {
    const { folder: target, columns } = layouts[layout as keyof typeof layouts];
    const splits: Record<string, number> = {};
    for (const split of SPLITS) {
      const written = await writers[split].close();
      splits[split] = written.reduce((sum, { rows }) => sum + rows, 0);
      for (const file of written) {
        files.push({ ...file, name: `${layout}/data/${path.basename(file.path)}` });
      }
    }
    const card = datasetCard({
      ...CARDS[layout as keyof typeof CARDS],
      columns,
      splits,
      facts: options.facts,
    });
    await writeFile(path.join(target, 'README.md'), card);
  }
  files.push({ ...(await scores.close()), name: 'scores/scores.parquet' });
  return { files, candidates, pairs: pairCount };
}

const CARDS = {
  images: {
    title: 'Scored candidates',
    about: 'One row per generated image of a LAION-SG scene graph, with its raw scores.',
  },
  pickapic: {
    title: 'Preference pairs (pickapic layout)',
    about: 'Winner and loser pairs in the columns of Pick-a-Pic; the side of the winner is random.',
  },
};

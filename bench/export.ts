/**
 * Export: 2,000 candidates with images of 100 KB into the Parquet files of the images layout, in MB of image a
 * second, beside copying the same image files to the same disk. Both read the images from files and end with `sync`;
 * the median of three rounds each. ratio = ours / copying; higher is better.
 */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { imageColumns, imageRow } from '../src/export/images.ts';
import type { ExportAnnotation } from '../src/export/rows.ts';
import { openSplit } from '../src/export/shards.ts';
import type { BenchResult } from './run.ts';

const [ANNOTATIONS, SLOTS, IMAGE_BYTES, ROUNDS] = [500, 4, 100_000, 3];
const METRICS = ['dpg', 't2i-3in1', 'clip-score', 'pickscore'];

export async function run(): Promise<BenchResult> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'diptych-bench-'));
  try {
    const [blobs, parquet, copy] = ['blobs', 'parquet', 'copy'].map((name) => path.join(folder, name));
    const annotations = await makeAnnotations(blobs!);
    const rounds = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (const made of [parquet!, copy!]) await rm(made, { recursive: true, force: true });
      execFileSync('sync');
      rounds.push({
        ours: await seconds(() => writeImages(annotations, blobs!, parquet!)),
        copying: await seconds(() => cp(blobs!, copy!, { recursive: true })),
      });
    }
    const megabytes = (ANNOTATIONS * SLOTS * IMAGE_BYTES) / 1e6;
    const value = megabytes / median(rounds.map(({ ours }) => ours));
    const peerValue = megabytes / median(rounds.map(({ copying }) => copying));
    return {
      bench: 'export',
      value,
      unit: 'MB/s',
      peer: 'copying the images as files',
      peerValue,
      ratio: value / peerValue,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Annotations with four candidates each, whose images lie in the folder under their hashes. */
async function makeAnnotations(blobs: string): Promise<ExportAnnotation[]> {
  await mkdir(blobs);
  const generation = { model: 'bench', modelHash: '0'.repeat(64), sampler: 'ddim', steps: 20, guidance: 7.5 };
  const annotations: ExportAnnotation[] = [];
  for (let n = 0; n < ANNOTATIONS; n++) {
    const candidates: ExportAnnotation['candidates'] = [];
    for (let slot = 0; slot < SLOTS; slot++) {
      const bytes = randomBytes(IMAGE_BYTES);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      await writeFile(path.join(blobs, sha256), bytes);
      const scores = Object.fromEntries(METRICS.map((metric, i) => [metric, Math.sin(n + slot + i)]));
      candidates.push({ slot, seed: n, sha256, width: 512, height: 512, generation, scores, reward: n / 7 });
    }
    const items = [{ item_id: 0, label: 'lighthouse', attributes: ['tall', 'white'] }];
    const body = { img_id: `img-${n}`, items, relations: [] };
    annotations.push({ imgId: body.img_id, prompt: 'tall white lighthouse', body, candidates });
  }
  return annotations;
}

async function writeImages(annotations: ExportAnnotation[], blobs: string, folder: string): Promise<void> {
  const split = await openSplit(folder, 'train', imageColumns(METRICS));
  for (const annotation of annotations) {
    for (const [i, { sha256 }] of annotation.candidates.entries()) {
      const bytes = await readFile(path.join(blobs, sha256));
      await split.write(imageRow(annotation, i, bytes, METRICS, 'mean'), bytes.length);
    }
  }
  await split.close();
}

/** Until the bytes are on the disk. */
async function seconds(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  execFileSync('sync');
  return (performance.now() - start) / 1000;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;

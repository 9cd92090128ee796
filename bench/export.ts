/**
 * Export: 11,140 candidates with images of 100 KB in the images layout, in MB of image a second, beside copying the
 * same image files to the same disk (`fs.cp`). Both read the images from files and end with `sync`; the median of
 * rounds that alternate. The export has a process of its own, whose peak memory is the second result, beside its limit.
 * ratio = ours / copying, and ours / limit.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { besideCopy, measuredChild } from './beside-copy.ts';
import { writeBlobs } from './export/data.ts';
import type { BenchResult } from './run.ts';

const CHILD = path.join(import.meta.dirname, 'export', 'child.ts');

export async function run(): Promise<BenchResult[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'diptych-bench-'));
  const inFolder = (name: string) => path.join(folder, name);
  const [blobs, made] = [inFolder('blobs'), inFolder('export')];
  try {
    await writeBlobs(blobs);
    return await besideCopy({
      ...{ bench: 'export', copy: inFolder('copy') },
      peers: [{ peer: 'copying the images as files', source: () => blobs }],
      work: (round) => measuredChild(CHILD, [blobs, path.join(made, String(round))]),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

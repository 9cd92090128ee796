/**
 * Import: the Parquet files of the export bench (11,140 candidates with images of 100 KB in the layout images, real
 * JPEGs here, for every one is decoded), from reading them to the last row in the store, in MB of image a second, beside
 * copying the same files to the same disk, and copying the 11,140 image files that it leaves (`fs.cp`). All end with `sync`; the median of rounds that alternate. The
 * import has a process of its own, whose peak memory is the second result, beside its limit.
 * ratio = ours / copying, and ours / limit.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { startEmbeddedPostgres } from '../src/store/postgres.ts';
import { besideCopy, measuredChild } from './beside-copy.ts';
import { writeExportOfJpegs } from './import/data.ts';
import type { BenchResult } from './run.ts';

const CHILD = path.join(import.meta.dirname, 'import', 'child.ts');

export async function run(): Promise<BenchResult[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'diptych-bench-'));
  const inFolder = (name: string) => path.join(folder, name);
  const [source, home] = [inFolder('export'), inFolder('home')];
  // Its own user must reach it.
  await chmod(folder, 0o755);
  const server = await startEmbeddedPostgres(inFolder('postgres'));
  try {
    await writeExportOfJpegs(source);
    return await besideCopy({
      ...{ bench: 'import', copy: inFolder('copy') },
      peers: [
        { peer: 'copying the files', source: () => source },
        {
          peer: 'copying the images that are left, as files',
          source: (round) => path.join(home, String(round), 'blobs'),
        },
      ],
      work: (round) =>
        measuredChild(CHILD, [source, `round-${round}`], {
          ...{ DIPTYCH_HOME: path.join(home, String(round)), DATABASE_URL: server.url },
        }),
    });
  } finally {
    await server.stop();
    await rm(server.folder, { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
  }
}

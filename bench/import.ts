/**
 * Import: the Parquet files of the export bench (11,140 candidates with images of 100 KB in the layout images, real
 * JPEGs here, for every one is decoded), from reading them to the last row in the store, in MB of image a second, beside
 * copying the same files to the same disk (`fs.cp`). Both end with `sync`; the median of rounds that alternate. The
 * import has a process of its own, whose peak memory is the second result, beside its limit.
 * ratio = ours / copying, and ours / limit.
 */
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { startEmbeddedPostgres } from '../src/store/postgres.ts';
import { CANDIDATES, IMAGE_BYTES } from './export/data.ts';
import { writeExportOfJpegs } from './import/data.ts';
import type { BenchResult } from './run.ts';

const ROUNDS = 3;
/** As for exports. */
const LIMIT_MB = 300;

interface Measured {
  seconds: number;
  peakMegabytes: number;
}

export async function run(): Promise<BenchResult[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'diptych-bench-'));
  // Its own user must reach it.
  await chmod(folder, 0o755);
  const server = await startEmbeddedPostgres(path.join(folder, 'postgres'));
  const [source, home, copy] = ['export', 'home', 'copy'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  try {
    await writeExportOfJpegs(source);
    const rounds: { ours: number; copying: number; peak: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (const made of [home, copy]) await rm(made, { recursive: true, force: true });
      execFileSync('sync');
      const { seconds: read, peakMegabytes } = await importInChild(source, home, server.url, round);
      rounds.push({
        ours: read + (await seconds(async () => {})),
        copying: await seconds(() => cp(source, copy, { recursive: true })),
        peak: peakMegabytes,
      });
    }
    const megabytes = (CANDIDATES * IMAGE_BYTES) / 1e6;
    const value = megabytes / median(rounds.map((round) => round.ours));
    const peerValue = megabytes / median(rounds.map((round) => round.copying));
    const peak = Math.max(...rounds.map((round) => round.peak));
    return [
      {
        bench: 'import',
        value,
        unit: 'MB/s',
        peer: 'copying the files',
        peerValue,
        ratio: value / peerValue,
      },
      {
        ...{ bench: 'import-memory', value: peak, unit: 'MB at the peak' },
        ...{ peer: 'limit', peerValue: LIMIT_MB, ratio: peak / LIMIT_MB },
      },
    ];
  } finally {
    await server.stop();
    await rm(server.folder, { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
  }
}

/** Without the start of the process. */
async function importInChild(source: string, home: string, url: string, round: number): Promise<Measured> {
  const child = fork(path.join(import.meta.dirname, 'import', 'child.ts'), [source, `round-${round}`], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: { ...process.env, DIPTYCH_HOME: home, DATABASE_URL: url },
  });
  const [measured] = (await once(child, 'message')) as [Measured];
  await once(child, 'exit');
  return measured;
}

/** Until the bytes are on the disk. */
async function seconds(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  execFileSync('sync');
  return (performance.now() - start) / 1000;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;

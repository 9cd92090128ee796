/**
 * A process that writes many bytes, beside `fs.cp` of as many: the median of rounds that alternate, each to the end of
 * `sync`; and the peak memory of the process, beside its limit.
 */
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { CANDIDATES, IMAGE_BYTES } from './export/data.ts';
import type { BenchResult } from './run.ts';

const ROUNDS = 3;
/** Asked for of exports; the same of imports. */
const LIMIT_MB = 300;

/** What a child sends when it has done its work. Its start does not count. */
export interface Measured {
  seconds: number;
  peakMegabytes: number;
}

export interface BesideCopy {
  bench: string;
  /** What is copied, in words, and the folder that is copied after the work of a round. */
  peers: { peer: string; source(round: number): string }[];
  /** Folder for the copies. */
  copy: string;
  /** What the work makes must go where no earlier round's is. */
  work(round: number): Promise<Measured>;
}

export async function besideCopy({ bench, peers, copy, work }: BesideCopy): Promise<BenchResult[]> {
  const rounds: { ours: number; copying: number[]; peak: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Nothing is removed between rounds: ext4 without a journal passes over every inode that was freed in the last
    // minutes, one by one, and making 11,140 files after as many were removed takes it fifty times as long.
    execFileSync('sync');
    const { seconds: worked, peakMegabytes } = await work(round);
    const ours = worked + (await seconds(async () => {}));
    const copying: number[] = [];
    for (const [i, { source }] of peers.entries()) {
      const to = path.join(copy, `${round}-${i}`);
      copying.push(await seconds(() => cp(source(round), to, { recursive: true })));
    }
    rounds.push({ ours, copying, peak: peakMegabytes });
  }
  const megabytes = (CANDIDATES * IMAGE_BYTES) / 1e6;
  const value = megabytes / median(rounds.map((round) => round.ours));
  const peak = Math.max(...rounds.map((round) => round.peak));
  return [
    ...peers.map(({ peer }, i) => {
      const peerValue = megabytes / median(rounds.map(({ copying }) => copying[i]!));
      return { bench, value, unit: 'MB/s', peer, peerValue, ratio: value / peerValue };
    }),
    {
      ...{ bench: `${bench}-memory`, value: peak, unit: 'MB at the peak' },
      ...{ peer: 'limit', peerValue: LIMIT_MB, ratio: peak / LIMIT_MB },
    },
  ];
}

/** In a process of its own. */
export async function measuredChild(
  script: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<Measured> {
  const child = fork(script, args, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: { ...process.env, ...environment },
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

/** `data/SPLIT-00000-of-00003.parquet`: a split in files of bounded size, named once their number is known. */
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { parquetWriter } from './parquet.ts';
import type { Column, Row, TableFile, TableWriter } from './table.ts';

const SHARD_BYTES = 400 * 1024 * 1024;

export interface SplitWriter {
  write(row: Row, bytes: number): Promise<void>;
  /** An empty split leaves no file. */
  close(): Promise<TableFile[]>;
}

export async function openSplit(
  folder: string,
  split: string,
  columns: readonly Column[],
): Promise<SplitWriter> {
  await mkdir(folder, { recursive: true });
  const done: TableFile[] = [];
  let current: TableWriter | null = null;
  let used = 0;
  const five = (n: number) => String(n).padStart(5, '0');
  const finish = async () => {
    if (current) done.push(await current.close());
    current = null;
    used = 0;
  };
  return {
    async write(row, bytes) {
      if (used + bytes > SHARD_BYTES) await finish();
      current ??= parquetWriter(path.join(folder, `${split}-${five(done.length)}.parquet`), columns);
      await current.write(row);
      used += bytes;
    },
    async close() {
      await finish();
      return Promise.all(
        done.map(async ({ path: from, rows }, i) => {
          const to = path.join(folder, `${split}-${five(i)}-of-${five(done.length)}.parquet`);
          await rm(to, { force: true });
          await rename(from, to);
          return { path: to, rows };
        }),
      );
    },
  };
}

/** `SPLIT-00000-of-00003.parquet`: a split in files of bounded size, named once their number is known. */
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { TableFile } from './table.ts';

const SHARD_BYTES = 400 * 1024 * 1024;

/** One file of a split. */
export interface Shard<T> {
  write(row: T): Promise<void>;
  close(): Promise<TableFile>;
}

export interface SplitWriter<T> {
  /** `bytes`: about how much the row adds to its file. */
  write(row: T, bytes: number): Promise<void>;
  /** An empty split leaves no file. */
  close(): Promise<TableFile[]>;
}

export async function openSplit<T>(
  folder: string,
  split: string,
  extension: string,
  open: (path: string) => Promise<Shard<T>>,
): Promise<SplitWriter<T>> {
  await mkdir(folder, { recursive: true });
  const done: TableFile[] = [];
  let current: Shard<T> | null = null;
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
      current ??= await open(path.join(folder, `${split}-${five(done.length)}.${extension}`));
      await current.write(row);
      used += bytes;
    },
    async close() {
      await finish();
      return Promise.all(
        done.map(async (file, i) => {
          const to = path.join(folder, `${split}-${five(i)}-of-${five(done.length)}.${extension}`);
          await rm(to, { force: true });
          await rename(file.path, to);
          return { ...file, path: to };
        }),
      );
    },
  };
}

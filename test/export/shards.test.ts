/** Splits over several files. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { parquetWriter } from '../../src/export/parquet.ts';
import { openSplit } from '../../src/export/shards.ts';
import { temporaryFolder } from '../temporary.ts';
import { readRows } from './read.ts';

const COLUMNS = [{ name: 'n', type: 'int32', about: '' }] as const;
const open = (file: string) => parquetWriter(file, COLUMNS);
/** A row may say that it is large, so that no large row is needed. */
const HUNDRED_MB = 100 * 1024 * 1024;

test('a split is cut at 400 MB into files that say how many they are', async (t) => {
  const folder = path.join(await temporaryFolder(t), 'data');
  const split = await openSplit(folder, 'train', 'parquet', open);
  for (let n = 0; n < 9; n++) await split.write({ n }, HUNDRED_MB);
  const files = await split.close();
  const names = [0, 1, 2].map((i) => `train-0000${i}-of-00003.parquet`);
  assert.deepEqual(
    files.map((file) => [file.path, file.rows]),
    names.map((name, i) => [path.join(folder, name), [4, 4, 1][i]]),
  );
  assert.deepEqual((await readdir(folder)).sort(), names);
  const rows = (await Promise.all(files.map((file) => readRows(file.path)))).flat();
  assert.deepEqual(
    rows.map(({ n }) => n),
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
  );
});

test('a row larger than a file gets one of its own', async (t) => {
  const split = await openSplit(await temporaryFolder(t), 'validation', 'parquet', open);
  for (const megabytes of [1, 5, 1]) await split.write({ n: megabytes }, megabytes * HUNDRED_MB);
  assert.deepEqual(
    (await split.close()).map(({ rows }) => rows),
    [1, 1, 1],
  );
});

test('a split without rows leaves no file', async (t) => {
  const folder = await temporaryFolder(t);
  const split = await openSplit(folder, 'train', 'parquet', open);
  assert.deepEqual(await split.close(), []);
  assert.deepEqual(await readdir(folder), []);
});

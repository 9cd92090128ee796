/** Hashes of weight files: right, and read no more often than they must be. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rename, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { hashFiles } from '../../src/engine/file-hash.ts';
import { temporaryFolder } from '../temporary.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** Writes a file with a time of change of that many seconds after 1970. */
async function write(file: string, text: string, seconds: number): Promise<void> {
  await writeFile(file, text);
  await utimes(file, seconds, seconds);
}

async function newFile(t: TestContext, text: string): Promise<string> {
  const file = path.join(await temporaryFolder(t), 'weights');
  await write(file, text, 1000);
  return file;
}

test('the hash of files is that of their bytes one after the other', async (t) => {
  const folder = await temporaryFolder(t);
  const parts = ['first', 'second'].map((name) => path.join(folder, name));
  for (const part of parts) await writeFile(part, part.repeat(1000));
  assert.equal(await hashFiles(parts), sha256(parts.map((part) => part.repeat(1000)).join('')));
  assert.notEqual(await hashFiles(parts.toReversed()), await hashFiles(parts));
});

test('files that look unchanged are not read again', async (t) => {
  const file = await newFile(t, 'one');
  assert.equal(await hashFiles([file]), sha256('one'));
  // The same size, time and inode over other bytes: only a second reading could tell.
  await write(file, 'two', 1000);
  assert.equal(await hashFiles([file]), sha256('one'));
});

test('another time, another size or another file in its place gives the new hash', async (t) => {
  const file = await newFile(t, 'one');
  await hashFiles([file]);
  await write(file, 'two', 1001);
  assert.equal(await hashFiles([file]), sha256('two'));
  await write(file, 'three', 1001);
  assert.equal(await hashFiles([file]), sha256('three'));
  await write(`${file}.new`, 'seven', 1001);
  await rename(`${file}.new`, file);
  assert.equal(await hashFiles([file]), sha256('seven'));
});

test('a file that is gone is an error, and is read once it is there again', async (t) => {
  const file = await newFile(t, 'one');
  await rm(file);
  await assert.rejects(hashFiles([file]), { code: 'ENOENT' });
  await write(file, 'two', 1000);
  assert.equal(await hashFiles([file]), sha256('two'));
});

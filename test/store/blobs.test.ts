import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs, { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { folderBlobs } from '../../src/store/blobs.ts';
import { temporaryFolder } from '../temporary.ts';

const BYTES = Buffer.from('the bytes of an image');
const HASH = createHash('sha256').update(BYTES).digest('hex');

test('a blob is named by its sha256 and comes back as it went in', async (t) => {
  const blobs = folderBlobs(await temporaryFolder(t));
  assert.equal(await blobs.put(BYTES), HASH);
  assert.deepEqual(await blobs.get(HASH), BYTES);
  const empty = await blobs.put(new Uint8Array());
  assert.equal(empty, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  assert.equal((await blobs.get(empty)).length, 0);
});

test('the same bytes again are not written again', async (t) => {
  const folder = await temporaryFolder(t);
  const blobs = folderBlobs(folder);
  await blobs.put(BYTES);
  const file = path.join(folder, HASH.slice(0, 2), HASH);
  const { ino, mtimeMs } = await stat(file);
  assert.equal(await blobs.put(BYTES), HASH);
  const later = await stat(file);
  assert.deepEqual([later.ino, later.mtimeMs], [ino, mtimeMs]);
});

test('the same bytes put many times at once make one whole file', async (t) => {
  const folder = await temporaryFolder(t);
  const bytes = Buffer.alloc(300_000, 7);
  const stores = [folderBlobs(folder), folderBlobs(folder)];
  const hashes = await Promise.all(Array.from({ length: 24 }, (_, i) => stores[i % 2]!.put(bytes)));
  assert.equal(new Set(hashes).size, 1);
  assert.deepEqual(await readdir(path.join(folder, hashes[0]!.slice(0, 2))), [hashes[0]]);
  assert.deepEqual(await stores[0]!.get(hashes[0]!), bytes);
});

test('what a killed process left half written does no harm', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(path.join(folder, HASH.slice(0, 2)));
  const leftover = path.join(folder, HASH.slice(0, 2), `${HASH}.${process.pid}.tmp`);
  await writeFile(leftover, BYTES.subarray(0, 5));
  const blobs = folderBlobs(folder);
  await assert.rejects(blobs.get(HASH), { code: 'DIPTYCH_NOT_FOUND' });
  assert.equal(await blobs.put(BYTES), HASH);
  assert.deepEqual(await blobs.get(HASH), BYTES);
  assert.equal((await readFile(leftover)).length, 5);
});

test('a blob that is not there is named in the error', async (t) => {
  const folder = await temporaryFolder(t);
  await assert.rejects(folderBlobs(folder).get(HASH), {
    code: 'DIPTYCH_NOT_FOUND',
    message: `there is no blob ${HASH} in ${folder}`,
  });
});

test('a folder of blobs is adopted: moved where it is new, and no harm where it is not', async (t) => {
  const folder = await temporaryFolder(t);
  const [blobs, staged] = [path.join(folder, 'blobs'), path.join(folder, 'staged')];
  const other = Buffer.from('another image');
  await folderBlobs(blobs).put(BYTES);
  const stage = folderBlobs(staged);
  const hashes = [await stage.put(BYTES), await stage.put(other)];
  await folderBlobs(blobs).adopt(staged);
  assert.deepEqual(await Promise.all(hashes.map((hash) => folderBlobs(blobs).get(hash))), [BYTES, other]);
  await assert.rejects(stage.get(hashes[1]!), { code: 'DIPTYCH_NOT_FOUND' });
});

test('a blob that could not be kept leaves nothing behind', async (t) => {
  const folder = await temporaryFolder(t);
  const full = t.mock.method(fs, 'rename', async () => {
    throw new Error('ENOSPC: no space left on device');
  });
  syncBuiltinESMExports();
  t.after(() => {
    full.mock.restore();
    syncBuiltinESMExports();
  });
  await assert.rejects(folderBlobs(folder).put(BYTES), /ENOSPC/);
  assert.equal(full.mock.callCount(), 1);
  assert.deepEqual(await readdir(path.join(folder, HASH.slice(0, 2))), []);
});

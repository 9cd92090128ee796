/** Artifacts that machines share through a bucket, which is in memory here; s3-blobs.test.ts has a real one. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { describeArtifacts } from '../../src/store/artifacts.ts';
import { s3Artifacts } from '../../src/store/s3-artifacts.ts';
import { temporaryFolder } from '../temporary.ts';
import { memoryBucket } from './memory-bucket.ts';

const RUN = 'run-1';
const HOUR = 3600;

/** A model and a report on one machine, kept; and another machine. */
async function kept(t: TestContext) {
  const [here, there] = [await temporaryFolder(t), await temporaryFolder(t)];
  const [model, report] = [path.join(here, 'model'), path.join(here, 'report.html')];
  await mkdir(path.join(model, 'unet'), { recursive: true });
  await writeFile(path.join(model, 'unet', 'weights'), 'weights');
  await writeFile(path.join(model, 'again'), 'weights');
  await writeFile(path.join(model, 'config'), 'config');
  await writeFile(report, 'a report');
  const [folder, file] = await describeArtifacts({ model, 'reports/report.html': report });
  const bucket = memoryBucket();
  await s3Artifacts(bucket, path.join(here, 'artifacts')).keep(RUN, [folder!, file!]);
  const home = path.join(there, 'artifacts');
  return { bucket, folder: folder!, file: file!, home, other: s3Artifacts(bucket, home) };
}

test('another machine gets a folder and a file as they were made; the same content lies in the bucket once', async (t) => {
  const { bucket, folder, file, other } = await kept(t);
  assert.equal(bucket.objects.size, 3);
  assert.ok([...bucket.objects.keys()].every((key) => key.startsWith(`runs/${RUN}/`)));
  const model = await other.local(RUN, folder);
  const names = (await readdir(model, { recursive: true })).sort();
  assert.deepEqual(names, ['again', 'config', 'unet', path.join('unet', 'weights')]);
  assert.equal(await readFile(path.join(model, 'unet', 'weights'), 'utf8'), 'weights');
  const report = await other.local(RUN, file);
  assert.equal(path.basename(report), 'report.html');
  assert.equal(await readFile(report, 'utf8'), 'a report');
  assert.equal(await text(await other.read(RUN, file)), 'a report');
  assert.equal(await text(await other.read(RUN, file, { start: 2, end: 4 })), 'rep');
  await assert.rejects(other.read(RUN, folder), { code: 'DIPTYCH_INVALID_INPUT' });

  // What is there already is neither put nor fetched again.
  await other.keep(RUN, [{ ...folder, path: '/nowhere' }]);
  bucket.objects.clear();
  assert.equal(await other.local(RUN, folder), model);
  await assert.rejects(other.read(RUN, file), { code: 'DIPTYCH_NOT_FOUND' });
  await assert.rejects(other.local('run-2', folder), {
    code: 'DIPTYCH_NOT_FOUND',
    message: /there is no "[^"]+" of run run-2 in s3:\/\/memory/,
  });
});

test('of a folder only the wanted files come, and never in the place of all', async (t) => {
  const { folder, other } = await kept(t);
  const some = await other.local(RUN, folder, (name) => name === 'config');
  assert.deepEqual(await readdir(some), ['config']);
  assert.equal((await readdir(await other.local(RUN, folder))).length, 3);
});

test('other bytes than the listed ones, or a body that is cut off, leave nothing that is taken for the artifact', async (t) => {
  const { bucket, folder, home, other } = await kept(t);
  const key = bucket.filesPut.find((name) => bucket.objects.get(name)!.toString() === 'weights')!;
  bucket.objects.set(key, Buffer.from('weight'));
  const wrong = { code: 'DIPTYCH_BLOBS_UNAVAILABLE', message: /other bytes came/ };
  await assert.rejects(other.local(RUN, folder), wrong);
  assert.deepEqual(await readdir(path.join(home, RUN, 'model')), []);
  bucket.objects.set(key, Buffer.from('weights'));
  assert.ok(existsSync(path.join(await other.local(RUN, folder), 'unet', 'weights')));
});

test('several that want the same at once all get it whole', async (t) => {
  const { bucket, folder, home } = await kept(t);
  const processes = Array.from({ length: 6 }, () => s3Artifacts(bucket, home));
  const paths = await Promise.all(processes.map((one) => one.local(RUN, folder)));
  assert.equal(new Set(paths).size, 1);
  assert.equal(await readFile(path.join(paths[0]!, 'config'), 'utf8'), 'config');
  assert.equal((await readdir(path.join(home, RUN, 'model'))).length, 1);
});

test('a version that nobody used for long goes when another comes', async (t) => {
  const { folder, other } = await kept(t);
  const old = await other.local(RUN, folder, (name) => name === 'config');
  const used = await other.local(RUN, folder, (name) => name === 'again');
  const before = Date.now() / 1000 - 2 * HOUR;
  await utimes(old, before, before);
  await other.local(RUN, folder);
  assert.deepEqual([existsSync(old), existsSync(used)], [false, true]);
});

test('superseded files go, and those that the newer version has stay; a removed run takes no other with it', async (t) => {
  const { bucket, folder, file, other } = await kept(t);
  await other.keep('run-10', [{ ...file, path: await other.local(RUN, file) }]);
  const now = { ...folder, files: folder.files!.filter(({ name }) => name !== 'config') };
  await other.removeSuperseded(RUN, folder, now);
  const left = () => [...bucket.objects].map(([key, bytes]) => [key.split('/')[1], bytes.toString()]).sort();
  assert.deepEqual(left(), [
    [RUN, 'a report'],
    [RUN, 'weights'],
    ['run-10', 'a report'],
  ]);
  await other.removeAll(RUN);
  assert.deepEqual(left(), [['run-10', 'a report']]);
});

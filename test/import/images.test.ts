/** One's own images for annotations: sent file by file, scored when asked, refused when they are not what they seem. */
import assert from 'node:assert/strict';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { ensureSet, upsertAnnotations } from '../../src/store/annotations.ts';
import { scene, scenes } from '../scenes.ts';
import { jpeg } from './made-up-pickapic.ts';
import { useImportService } from './service.ts';

const SCORE = { metric: 'dpg', version: '1', mode: 'fixed', value: 0.25, evidence: {} };
const service = await useImportService([SCORE]);
const { app, store, blobs, folder, send, imported, importsFolder, uploadsFolder } = service;
const { id: setId } = await ensureSet(store, 'mine');
await upsertAnnotations(store, setId, [...scenes(2), scene('an id with spaces')]);

const put = (url: string, payload: Buffer) =>
  app.inject({ method: 'PUT', url, payload, headers: { 'content-type': 'image/jpeg' } });

test('images are sent, imported, scored and exported', async () => {
  const sent = { 's000/0.jpg': 1, 's000/3.jpg': 2, 's001/1.JPEG': 3, 'an%20id%20with%20spaces/0.jpg': 4 };
  for (const [name, shade] of Object.entries(sent)) {
    const image = await jpeg(shade);
    const { statusCode, body } = await put(`/v1/uploads/holiday/${name}`, image);
    assert.deepEqual([statusCode, JSON.parse(body).bytes], [200, image.length]);
  }
  const run = await imported({ as: 'images', annotationSet: 'mine', upload: 'holiday', score: true });
  assert.deepEqual([run.status, run.error], ['succeeded', null]);
  assert.deepEqual(
    run.stages.map(({ name, done, total, fraction }) => [name, done, total, fraction]),
    [
      ['import-images', 1, 1, 1],
      ['score', 4, 4, 1],
    ],
  );
  const { items } = (await send('GET', `/v1/runs/${run.id}/candidates`)).body;
  assert.deepEqual(
    items.map(({ imgId, slot, scores, prompt }) => [imgId, slot, scores, prompt]),
    [
      ['an id with spaces', 0, { dpg: 0.25 }, 'red circle left of green square'],
      ['s000', 0, { dpg: 0.25 }, 'red circle left of green square'],
      ['s000', 3, { dpg: 0.25 }, 'red circle left of green square'],
      ['s001', 1, { dpg: 0.25 }, 'green square left of blue triangle'],
    ],
  );
  assert.deepEqual(await blobs.get(items[1]!.sha256 as string), await jpeg(1));
  const blob = await app.inject({ method: 'GET', url: `/v1/blobs/${items[1]!.sha256}` });
  assert.equal(blob.headers['content-type'], 'image/jpeg');
  assert.equal((await send('POST', `/v1/runs/${run.id}/exports`, { layout: 'images' })).status, 201);

  assert.equal((await send('DELETE', '/v1/uploads/holiday')).status, 204);
  assert.equal((await send('DELETE', '/v1/uploads/holiday')).status, 404);
  assert.deepEqual(await readdir(uploadsFolder), []);
});

test('names that lead out of an upload, and uploads that are no names', async () => {
  for (const url of [
    '/v1/uploads/x/..%2f..%2fblobs%2fevil',
    '/v1/uploads/x/a%2f..%2f..%2fb',
    '/v1/uploads/x/a%5c..%5cb',
    '/v1/uploads/x/a%2f%2fb',
    '/v1/uploads/x/%00',
    '/v1/uploads/..%2fblobs/a',
    '/v1/uploads/.partial/a',
  ]) {
    const { statusCode, body } = await put(url, Buffer.from('x'));
    assert.equal(statusCode, 400, url);
    assert.match(JSON.parse(body).error.message, /must be|is "|contains a NUL/);
  }
  assert.deepEqual(
    (await readdir(uploadsFolder)).filter((name) => name !== 'x'),
    [],
  );
});

/** A folder of its own with these files. */
let made = 0;
async function folderOf(files: Record<string, Buffer>): Promise<string> {
  const root = path.join(folder, `images-${made++}`);
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), bytes);
  }
  return root;
}

test('what is no image of an annotation is refused by name, and nothing stays', async () => {
  const good = await jpeg(9);
  const outside = await folderOf({ 'secret.jpg': good });
  const linked = await folderOf({ 's000/0.jpg': good });
  await symlink(path.join(outside, 'secret.jpg'), path.join(linked, 's000', '1.jpg'));
  const before = await store.candidate.count();
  const cases: [files: string, message: RegExp][] = [
    [
      await folderOf({ 's000/0.jpg': good, 's000/first.jpg': good }),
      /s000\/first.jpg: must be named IMG_ID\/SLOT.png/,
    ],
    [await folderOf({ 's000_0.jpg': good }), /s000_0.jpg: must be named/],
    [await folderOf({ 's000/1024.jpg': good }), /1024.jpg: must be named .* with a slot from 0 to 1023/],
    [
      await folderOf({ 's000/0.jpg': good, 's000/0.png': good }),
      /s000\/0.png: is of the same slot as s000\/0.jpg/,
    ],
    [
      await folderOf({ 's000/0.png': Buffer.from('GIF89a') }),
      /s000\/0.png: is not a PNG, JPEG or WebP that can be decoded \(6 bytes\)/,
    ],
    [
      await folderOf({ 's000/0.jpg': good.subarray(0, good.length - 40) }),
      /s000\/0.jpg: is not a PNG, JPEG or WebP/,
    ],
    [
      await folderOf({ 's000/0.jpg': good, 'nobody/0.jpg': good }),
      /the annotation set has no annotation "nobody"; send it first/,
    ],
    [linked, /s000\/1.jpg is a link that leads out of the folder/],
  ];
  for (const [where, message] of cases) {
    const answer = await imported({ as: 'images', annotationSet: 'mine', path: where }).catch(
      (thrown: Error) => ({ status: 'failed', error: thrown.message }),
    );
    assert.equal(answer.status, 'failed');
    assert.match(answer.error!, message);
  }
  assert.equal(await store.candidate.count(), before);
  assert.deepEqual(await readdir(importsFolder), []);
});

test('what is asked for in a way that can’t be is answered at once', async () => {
  const refused = async (body: object) => {
    const answer = await send('POST', '/v1/imports', { as: 'images', annotationSet: 'mine', ...body });
    return [answer.status, answer.body.error.message];
  };
  const [either] = [/^give either path/];
  assert.match(String((await refused({}))[1]), either);
  assert.match(String((await refused({ path: folder, upload: 'x' }))[1]), either);
  assert.deepEqual(await refused({ path: 'relative' }), [
    400,
    'path is "relative", which is no file or folder on the server; a path must be absolute',
  ]);
  assert.deepEqual(await refused({ upload: 'nothing' }), [
    400,
    'upload is "nothing", which has no file or folder on the server; a path must be absolute',
  ]);
  assert.deepEqual(await refused({ path: folder, annotationSet: 'unknown' }), [
    404,
    'there is no annotation set "unknown"',
  ]);
  assert.deepEqual(await refused({ path: folder, settings: { reward: { weights: { beauty: 1 } } } }), [
    400,
    (await refused({ path: folder, settings: { reward: { weights: { beauty: 1 } } } }))[1],
  ]);
  assert.match(
    String((await refused({ path: folder, settings: { reward: { weights: { beauty: 1 } } } }))[1]),
    /^settings.reward.weights names "beauty"/,
  );
  assert.equal((await refused({ as: 'excel', path: folder }))[0], 400);
});

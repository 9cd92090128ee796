/** Blobs in a bucket: against a real S3 server, and against one that fails on purpose. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { after, type TestContext, test } from 'node:test';
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { describeArtifacts } from '../../src/store/artifacts.ts';
import { openArtifacts, openBlobs } from '../../src/store/blob-places.ts';
import { folderBlobs } from '../../src/store/blobs.ts';
import { temporaryFolder } from '../temporary.ts';
import { missingForRadosgw, startRadosgw } from './radosgw.ts';

const BYTES = Buffer.from('the bytes of an image');
const HASH = createHash('sha256').update(BYTES).digest('hex');
const before = { ...process.env };
after(() => {
  process.env = before;
});

const skip = missingForRadosgw.length > 0 && `this machine has no ${missingForRadosgw.join(', ')}`;
test('a real S3 server keeps blobs under their hashes', { skip }, async (t) => {
  const { environment, stop } = await startRadosgw();
  t.after(stop);
  Object.assign(process.env, environment);
  const client = new S3Client({ forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: 'images' }));
  const blobs = openBlobs('s3://images/one/store/');
  assert.equal(await blobs.put(BYTES), HASH);
  assert.equal(await blobs.put(BYTES), HASH);
  const empty = await blobs.put(new Uint8Array());
  const large = Buffer.alloc(3_000_000, 7);
  const puts = await Promise.all(Array.from({ length: 8 }, () => blobs.put(large)));
  assert.equal(new Set(puts).size, 1);
  assert.deepEqual(await blobs.get(HASH), BYTES);
  assert.equal((await blobs.get(empty)).length, 0);
  assert.deepEqual(await openBlobs('s3://images/one/store').get(puts[0]!), large);
  const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: 'images' }));
  assert.deepEqual(
    Contents!.map(({ Key }) => Key),
    [HASH, empty, puts[0]!].map((hash) => `one/store/${hash.slice(0, 2)}/${hash}`).sort(),
  );
  await assert.rejects(openBlobs('s3://images').get(HASH), {
    code: 'DIPTYCH_NOT_FOUND',
    message: `there is no blob ${HASH} in s3://images`,
  });

  // A file in three parts, and an empty one, on another machine; a range; all of a run gone.
  const folder = await temporaryFolder(t);
  const model = path.join(folder, 'model');
  await mkdir(model);
  const weights = Buffer.alloc(40 * 2 ** 20, 'weights of a model');
  await writeFile(path.join(model, 'weights'), weights);
  await writeFile(path.join(model, 'empty'), '');
  const files = await describeArtifacts({ model, weights: path.join(model, 'weights') });
  const where = { blobs: 's3://images/one', artifacts: path.join(folder, 'artifacts') };
  await openArtifacts(where).keep('run', files);
  const other = openArtifacts(where);
  const copy = await other.local('run', files[0]!);
  assert.ok(weights.equals(await readFile(path.join(copy, 'weights'))));
  assert.equal((await readFile(path.join(copy, 'empty'))).length, 0);
  const range = { start: 18 * 2 ** 20 + 3, end: 18 * 2 ** 20 + 9 };
  assert.equal(
    await text(await other.read('run', files[1]!, range)),
    weights.toString('utf8', range.start, range.end + 1),
  );
  await other.removeAll('run');
  await assert.rejects(other.read('run', files[1]!), { code: 'DIPTYCH_NOT_FOUND' });
  const nowhere = openArtifacts({ ...where, blobs: 's3://nowhere' });
  await assert.rejects(nowhere.keep('run', files), {
    code: 'DIPTYCH_BLOBS_UNAVAILABLE',
    message: /can't put "\w+" of run run in s3:\/\/nowhere: NoSuchBucket;/,
  });
  await assert.rejects(nowhere.removeAll('run'), {
    message: /can't remove runs\/run\/ in s3:\/\/nowhere: NoSuchBucket;/,
  });

  await assert.rejects(openBlobs('s3://nowhere').put(BYTES), {
    code: 'DIPTYCH_BLOBS_UNAVAILABLE',
    message: /can't put blob .* in s3:\/\/nowhere: NoSuchBucket;/,
  });
  process.env.AWS_SECRET_ACCESS_KEY = 'wrong';
  await assert.rejects(openBlobs('s3://images').put(BYTES), {
    message: /in s3:\/\/images: SignatureDoesNotMatch;/,
  });
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that gives these answers, one after the other, the last one for ever; and how many it gave. */
async function failing(t: TestContext, ...answers: Answer[]): Promise<{ given(): number }> {
  let given = 0;
  const server = createServer((request, response) => {
    request.resume().on('end', () => answers[Math.min(given++, answers.length - 1)]!(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: 'us-east-1',
  });
  return { given: () => given };
}
const refuse: Answer = (_, response) => response.writeHead(500).end();
const cut: Answer = (request) => request.socket.destroy();
const found: Answer = (_, response) => response.writeHead(200).end(BYTES);

test('a server that answers 500 or hangs up is asked again', async (t) => {
  const server = await failing(t, refuse, cut, refuse, found);
  assert.deepEqual(await openBlobs('s3://images').get(HASH), BYTES);
  assert.equal(server.given(), 4);
});

test('a body with other bytes is not taken for the blob', async (t) => {
  await failing(t, (_, response) => response.writeHead(200).end(BYTES.subarray(1)));
  await assert.rejects(openBlobs('s3://images').get(HASH), {
    code: 'DIPTYCH_BLOBS_UNAVAILABLE',
    message: /other bytes came/,
  });
});

test('a folder of blobs is adopted by a bucket: each under its name', async (t) => {
  const staged = await temporaryFolder(t);
  const stage = folderBlobs(staged);
  const names = [await stage.put(BYTES), await stage.put(Buffer.from('another image'))];
  const urls: string[] = [];
  await failing(t, ({ method, url }, response) => {
    urls.push(`${method} ${url!.split('?')[0]}`);
    response.writeHead(200).end();
  });
  await openBlobs('s3://images/some').adopt(staged);
  assert.deepEqual(urls.sort(), names.map((name) => `PUT /images/some/${name.slice(0, 2)}/${name}`).sort());
});

test('a server that has no key for this is named, and not asked again', async (t) => {
  const server = await failing(t, (_, response) => {
    response.writeHead(403, { 'content-type': 'application/xml' });
    response.end('<Error><Code>AccessDenied</Code><Message>not with this key</Message></Error>');
  });
  await assert.rejects(openBlobs('s3://images/some').put(BYTES), {
    code: 'DIPTYCH_BLOBS_UNAVAILABLE',
    message: `can't put blob ${HASH} in s3://images/some: AccessDenied: not with this key; check AWS_ENDPOINT_URL_S3 and the keys`,
  });
  assert.equal(server.given(), 1);
});

test('a place that is neither a folder nor a bucket is refused', () => {
  for (const place of ['s3://', 's3:///images', 'https://images'])
    assert.throws(() => openBlobs(place), {
      code: 'DIPTYCH_INVALID_INPUT',
      message: `blobs can't be kept in "${place}"; DIPTYCH_BLOBS is a folder, or s3://BUCKET/PREFIX`,
    });
});

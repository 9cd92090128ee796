import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import { scene } from '../scenes.ts';
import { useApp } from './app.ts';
import { EVIDENCE, imageOf, METRICS, scoredRun, scoreOf } from './scored-run.ts';

const context = await useApp();
const { app, send, listen } = context;
const ANNOTATIONS = 5;
const run = await scoredRun(context, ANNOTATIONS);
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const imgId = (i: number) => `s00${i}`;

interface Listed {
  id: string;
  imgId: string;
  slot: number;
  sha256: string;
  scores: Record<string, number>;
}

async function pages(limit: number): Promise<Listed[]> {
  const all: Listed[] = [];
  for (let cursor = ''; ; ) {
    const { status, body } = await send('GET', `/v1/runs/${run}/candidates?limit=${limit}${cursor}`);
    assert.equal(status, 200);
    all.push(...(body.items as unknown as Listed[]));
    if (body.next === null) return all;
    cursor = `&cursor=${body.next}`;
  }
}

test('candidates are listed with raw scores and the hash of their image, never with its bytes', async () => {
  for (const limit of [1, 3, 10, 11]) {
    const all = await pages(limit);
    assert.deepEqual(
      all.map((one) => [one.imgId, one.slot]),
      Array.from({ length: 2 * ANNOTATIONS }, (_, i) => [imgId(Math.floor(i / 2)), i % 2]),
    );
  }
  const answer = await app.inject({ url: `/v1/runs/${run}/candidates?limit=500` });
  assert.ok(!answer.body.includes('not really a PNG'));
  for (const one of answer.json<{ items: Listed[] }>().items) {
    assert.equal(one.sha256, sha256(imageOf(one.imgId, one.slot)));
    assert.deepEqual(
      one.scores,
      Object.fromEntries(METRICS.map((metric) => [metric, scoreOf(one.imgId, one.slot, metric)])),
    );
  }
});

test('a variant without candidates is empty, an unknown one is refused by name', async () => {
  assert.deepEqual((await send('GET', `/v1/runs/${run}/candidates?variant=tuned`)).body, {
    items: [],
    next: null,
  });
  const { status, body } = await send('GET', `/v1/runs/${run}/candidates?variant=best`);
  assert.equal(status, 400);
  assert.equal(body.error.message, 'variant is "best", must be one of curated, base, tuned');
});

test('a candidate comes with its annotation and the evidence of every score', async () => {
  const [first] = await pages(1);
  const { status, body } = await send('GET', `/v1/candidates/${first!.id}`);
  assert.equal(status, 200);
  assert.deepEqual(body.annotation, scene('s000', 0));
  assert.equal(body.seed, 7);
  assert.deepEqual(
    body.scores,
    METRICS.map((metric) => ({
      metric,
      mode: 'fixed',
      version: '1',
      value: scoreOf('s000', 0, metric),
      evidence: EVIDENCE,
    })),
  );
});

test('an image is served by its hash, to be kept for ever', async () => {
  const bytes = imageOf('s001', 1);
  const answer = await app.inject({ url: `/v1/blobs/${sha256(bytes)}` });
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.headers['content-type'], 'image/png');
  assert.equal(answer.headers['cache-control'], 'public, max-age=31536000, immutable');
  assert.deepEqual(answer.rawPayload, bytes);
  const missing = await send('GET', `/v1/blobs/${'0'.repeat(64)}`);
  assert.deepEqual([missing.status, missing.body.error.code], [404, 'DIPTYCH_NOT_FOUND']);
  const wrong = await send('GET', '/v1/blobs/..%2Fsecret');
  assert.equal(wrong.status, 400);
  assert.match(wrong.body.error.message, /^sha256 is "..\/secret", must match pattern/);
});

test('the scores are one Arrow stream that apache-arrow reads, over real HTTP', async () => {
  const response = await fetch(`${await listen()}/v1/runs/${run}/scores.arrow`);
  assert.equal(response.headers.get('content-type'), 'application/vnd.apache.arrow.stream');
  const table = tableFromIPC(new Uint8Array(await response.arrayBuffer()));
  assert.deepEqual(
    table.schema.fields.map(({ name, type }) => `${name}: ${type}`),
    ['annotation_id: Utf8', 'image_index: Int32', 'sha256: Utf8', 'metric: Utf8', 'value: Float64'],
  );
  const rows = table.toArray().map((row) => row.toJSON());
  const expected = Array.from(
    { length: 2 * ANNOTATIONS },
    (_, i) => [imgId(Math.floor(i / 2)), i % 2] as const,
  );
  assert.deepEqual(
    rows,
    expected.flatMap(([annotation, slot]) =>
      METRICS.map((metric) => ({
        annotation_id: annotation,
        image_index: slot,
        sha256: sha256(imageOf(annotation, slot)),
        metric,
        value: scoreOf(annotation, slot, metric),
      })),
    ),
  );
});

test('a variant without scores is still an Arrow stream, of no rows', async () => {
  const answer = await app.inject({ url: `/v1/runs/${run}/scores.arrow?variant=base` });
  const table = tableFromIPC(answer.rawPayload);
  assert.deepEqual([table.numRows, table.schema.fields.length], [0, 5]);
});

test('what is not there is not found, and says so by name', async () => {
  const unknown = '00000000-0000-4000-8000-000000000000';
  for (const url of [
    `/v1/runs/${unknown}/candidates`,
    `/v1/candidates/${unknown}`,
    `/v1/runs/${unknown}/scores.arrow`,
  ]) {
    const { status, body } = await send('GET', url);
    assert.equal(status, 404, url);
    assert.match(body.error.message, new RegExp(`there is no (run|candidate) ${unknown}`));
  }
});

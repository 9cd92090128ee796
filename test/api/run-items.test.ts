/** Rows of a run for galleries; small images; the documents of the pages. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { useApp } from './app.ts';
import { METRICS, scoredRun, scoreOf } from './scored-run.ts';

const context = await useApp();
const { app, store, send, blobs } = context;
const run = await scoredRun(context, 5);

interface Item {
  imgId: string;
  labels: string[];
  relations: string[];
  failed: string[];
  candidates: { slot: number; scores: Record<string, number> }[];
}

test('items come in order with every candidate and raw score, page by page', async () => {
  for (const limit of [1, 2, 5, 6]) {
    const all: Item[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await send('GET', `/v1/runs/${run}/items?limit=${limit}${cursor}`);
      all.push(...(body.items as unknown as Item[]));
      if (body.next === null) break;
      cursor = `&cursor=${body.next}`;
    }
    assert.deepEqual(
      all.map(({ imgId }) => imgId),
      ['s000', 's001', 's002', 's003', 's004'],
    );
    for (const { imgId, candidates, labels, relations, failed } of all) {
      assert.deepEqual([labels.length, relations, failed], [2, ['left of'], []]);
      assert.deepEqual(
        candidates.map(({ slot, scores }) => [slot, scores]),
        [0, 1].map((slot) => [
          slot,
          Object.fromEntries(METRICS.map((metric) => [metric, scoreOf(imgId, slot, metric)])),
        ]),
      );
    }
  }
  assert.deepEqual((await send('GET', `/v1/runs/${run}/items?variant=tuned`)).body.items, []);
  const bad = await send('GET', `/v1/runs/${run}/items?cursor=7`);
  assert.match(bad.body.error.message, /^cursor is "7"/);
});

test('an annotation of which no image could be made is there, with what failed', async () => {
  const [stage] = await store.stage.findMany({ where: { runId: run } });
  const task = await store.task.create({
    data: {
      runId: run,
      ordinal: stage!.ordinal,
      seq: 0,
      worker: 'score',
      kind: 'score',
      payload: {},
      units: 1,
    },
  });
  const annotation = await store.annotation.findFirstOrThrow({ where: { imgId: 's003' } });
  await store.candidate.deleteMany({ where: { runId: run, annotationId: annotation.id } });
  for (const slot of [0, 1]) {
    await store.itemFailure.create({
      data: {
        ...{ runId: run, taskId: task.id, annotationId: annotation.id, variant: 'curated' },
        ...{ slot, what: 'image', reason: 'no answer' },
      },
    });
  }
  const { body } = await send('GET', `/v1/runs/${run}/items`);
  const item = (body.items as unknown as Item[]).find(({ imgId }) => imgId === 's003')!;
  assert.deepEqual([item.failed, item.candidates], [['image'], []]);
});

test('what a set got after its run, and what another run failed at, is not listed; an item is there once', async () => {
  const other = await scoredRun(context, 8);
  const task = await store.task.findFirstOrThrow({ where: { runId: run } });
  const failedIn = async (runId: string, imgId: string) => {
    const { id } = await store.annotation.findFirstOrThrow({ where: { imgId } });
    await store.itemFailure.create({
      data: {
        ...{ runId, taskId: task.id, annotationId: id, variant: 'curated', slot: 1 },
        ...{ what: METRICS[0]!, reason: 'no answer' },
      },
    });
  };
  await failedIn(run, 's001');
  await failedIn(other, 's006');
  const { body } = await send('GET', `/v1/runs/${run}/items`);
  assert.deepEqual(
    (body.items as unknown as Item[]).map(({ imgId, failed }) => [imgId, failed]),
    [
      ['s000', []],
      ['s001', [METRICS[0]]],
      ['s002', []],
      ['s003', ['image']],
      ['s004', []],
    ],
  );
});

test('an image is shrunk to the width that is asked for, and kept where it is no wider', async () => {
  const image = (width: number) =>
    sharp({ create: { width, height: width / 2, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
  const large = await blobs.put(await image(400));
  const answer = await app.inject({ url: `/v1/blobs/${large}?width=128` });
  assert.deepEqual([answer.statusCode, answer.headers['content-type']], [200, 'image/webp']);
  assert.match(String(answer.headers['cache-control']), /immutable/);
  const { width, height } = await sharp(answer.rawPayload).metadata();
  assert.deepEqual([width, height], [128, 64]);
  const bytes = await image(64);
  const small = await app.inject({ url: `/v1/blobs/${await blobs.put(bytes)}?width=128` });
  assert.deepEqual([small.headers['content-type'], small.rawPayload], ['image/png', bytes]);
  assert.equal((await app.inject({ url: `/v1/blobs/${large}?width=129` })).statusCode, 400);
});

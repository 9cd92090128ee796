import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toCursor } from '../../src/api/schemas.ts';
import { ensureSet, upsertAnnotations } from '../../src/store/annotations.ts';
import { scenes } from '../scenes.ts';
import { useApp } from './app.ts';

const { store, send } = await useApp();
for (const name of ['a', 'b', 'c d/e']) await ensureSet(store, name);
const { id } = await ensureSet(store, 'b');
const records = scenes(5);
await upsertAnnotations(store, id, records);

async function pages(url: string, limit: number) {
  const all: Record<string, unknown>[][] = [];
  for (let cursor = ''; ; ) {
    const { status, body } = await send('GET', `${url}?limit=${limit}${cursor}`);
    assert.equal(status, 200);
    all.push(body.items);
    if (body.next === null) return all;
    cursor = `&cursor=${body.next}`;
  }
}

test('sets are listed with their counts, page by page', async () => {
  const [first, second] = await pages('/v1/annotation-sets', 2);
  const short = (list?: Record<string, unknown>[]) => list?.map(({ name, count }) => [name, count]);
  assert.deepEqual(short(first), [
    ['a', 0],
    ['b', 5],
  ]);
  assert.deepEqual(short(second), [['c d/e', 0]]);
  assert.match(String(first![0]!.createdAt), /^\d{4}-\d\d-\d\dT.*Z$/);
});

test('annotations come back as they went in, every one on one page', async () => {
  for (const limit of [1, 2, 5, 6]) {
    const all = await pages('/v1/annotation-sets/b/annotations', limit);
    assert.deepEqual(all.flat(), records);
    assert.ok(all.every((page) => page.length <= limit));
  }
  assert.deepEqual(await pages(`/v1/annotation-sets/${encodeURIComponent('c d/e')}/annotations`, 5), [[]]);
});

const refused: [url: string, status: number, message: RegExp][] = [
  ['/v1/annotation-sets/none/annotations', 404, /there is no annotation set "none"/],
  ['/v1/annotation-sets/b/annotations?cursor=%21', 400, /cursor is "!"; use the "next" of an earlier page/],
  ['/v1/annotation-sets/b/annotations?cursor=bm8', 400, /cursor is "bm8"/],
  [`/v1/annotation-sets?cursor=${toCursor(5)}`, 400, /cursor is "NQ"/],
  [`/v1/annotation-sets/b/annotations?cursor=${toCursor({ a: 1 })}`, 400, /cursor is/],
  [`/v1/runs?cursor=${toCursor('not a run')}`, 400, /cursor is/],
  ['/v1/annotation-sets?limit=0', 400, /limit is 0, must be >= 1/],
  ['/v1/annotation-sets?limit=501', 400, /limit is 501, must be <= 500/],
  ['/v1/annotation-sets?limit=many', 400, /limit is "many", must be integer/],
];
for (const [url, status, message] of refused) {
  test(`GET ${url} is answered with ${status} and the wrong value`, async () => {
    const answer = await send('GET', url);
    assert.equal(answer.status, status);
    assert.match(answer.body.error.message, message);
    assert.equal(answer.body.error.code, status === 404 ? 'DIPTYCH_NOT_FOUND' : 'DIPTYCH_INVALID_INPUT');
  });
}

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { query } from '../../src/store/client.ts';
import { scene, scenes } from '../scenes.ts';
import { until } from '../wait.ts';
import { useApp } from './app.ts';

const { app, store, listen } = await useApp();

const ndjson = (records: readonly unknown[]) =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');
const counts = (inserted: number, updated = 0, unchanged = 0, rejected = 0) => ({
  received: inserted + updated + unchanged + rejected,
  inserted,
  updated,
  unchanged,
  rejected,
});

async function post(set: string, payload: string | Buffer, type?: string) {
  const answer = await app.inject({
    method: 'POST',
    url: `/v1/annotation-sets/${encodeURIComponent(set)}/annotations`,
    payload,
    headers: type ? { 'content-type': type } : {},
  });
  assert.equal(answer.statusCode, 200, answer.body);
  const { rejections, ...rest } = answer.json<Record<string, number> & { rejections: unknown[] }>();
  return { counts: rest, rejections };
}

async function stored(set: string) {
  const [row] = await query<{ count: number; rows: number }>(
    store,
    `SELECT count, (SELECT count(*)::int FROM annotation a WHERE a.set_id = s.id) AS rows
     FROM annotation_set s WHERE name = $1`,
    set,
  );
  return row!;
}

test('lines or an array, packed or not, whatever the body calls itself: the same records', async () => {
  const records = scenes(7);
  const array = JSON.stringify(records, null, 1);
  const bodies = {
    lines: ndjson(records),
    array,
    packedLines: gzipSync(ndjson(records)),
    packed: gzipSync(array),
  };
  for (const [set, body] of Object.entries(bodies)) {
    for (const type of ['application/json', 'application/x-ndjson', 'text/plain', undefined]) {
      const first = type === 'application/json';
      const answer = await post(set, body, type);
      assert.deepEqual(
        answer,
        { counts: first ? counts(7) : counts(0, 0, 7), rejections: [] },
        `${set} ${type}`,
      );
    }
    assert.deepEqual(await stored(set), { count: 7, rows: 7 });
  }
});

test('bad records are reported by line, field and reason, and stop no good one', async () => {
  const good = scenes(4);
  const dangling = { ...scene('dangling'), relations: [{ item1: 0, relation: 'on', item2: 9 }] };
  const lines = [good[0], dangling, good[1], { ...scene('nul'), extra: { deep: ['a\u0000'] } }, good[2]];
  const body = `${ndjson(lines)}{"img_id": \n${ndjson([{ ...scene('half'), note: '\ud800' }, good[3]])}`;
  const answer = await post('mixed', body);
  assert.deepEqual(answer.counts, counts(4, 0, 0, 4));
  assert.deepEqual(answer.rejections.slice(0, 2), [
    { line: 2, field: 'relations[0].item2', reason: 'is 9, but no item has this item_id' },
    { line: 4, field: 'extra.deep[0]', reason: 'contains a NUL character, which no database keeps' },
  ]);
  const [broken, half] = answer.rejections.slice(2) as { line: number; field: string; reason: string }[];
  assert.deepEqual([broken!.line, half!.line, half!.field], [6, 7, 'note']);
  assert.match(broken!.reason, /is not JSON/);
  assert.deepEqual(await stored('mixed'), { count: 4, rows: 4 });
});

test('nesting without end is refused, not suffered', async () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const record = JSON.stringify(scene('deep')).replace('{', `{"extra":${deep},`);
  const answer = await post('deep', `${record}\n${ndjson([scene('fine')])}`);
  assert.deepEqual(answer.counts, counts(1, 0, 0, 1));
});

test('a packed body that ends early keeps what came before the end', async () => {
  const whole = gzipSync(ndjson(scenes(3000)), { level: 0 });
  const answer = await post('cut', whole.subarray(0, whole.length - 2000));
  assert.equal(answer.counts.rejected, 1);
  assert.match(JSON.stringify(answer.rejections), /gzip stream is damaged or ends early/);
  const { count, rows } = await stored('cut');
  assert.ok(rows > 2900 && rows < 3000, `${rows} rows`);
  assert.equal(count, rows);
  assert.equal(answer.counts.inserted, rows);
});

test('an empty body makes an empty set', async () => {
  assert.deepEqual(await post('empty', ''), { counts: counts(0), rejections: [] });
  assert.deepEqual(await stored('empty'), { count: 0, rows: 0 });
});

test('records and updates of a body of several batches are counted over all of them', async () => {
  const records = scenes(2500);
  assert.deepEqual((await post('large', ndjson(records))).counts, counts(2500));
  const changed = [
    ...records.slice(0, 1200),
    ...records.slice(1200).map((r) => ({ ...r, caption_ori: 'new' })),
  ];
  assert.deepEqual((await post('large', ndjson(changed))).counts, counts(0, 1300, 1200));
  assert.deepEqual(await stored('large'), { count: 2500, rows: 2500 });
});

test('a thousand rejections are listed and all are counted', async () => {
  const answer = await post('rejected', '{}\n'.repeat(1500));
  assert.deepEqual([answer.counts.rejected, answer.rejections.length], [1500, 1000]);
});

test('a client that is gone in the middle of a body leaves whole batches and a right count', async () => {
  const url = new URL(await listen());
  const body = ndjson(scenes(2600));
  const request = http.request({
    host: url.hostname,
    port: url.port,
    method: 'POST',
    path: '/v1/annotation-sets/torn/annotations',
    headers: { 'content-type': 'application/x-ndjson' },
  });
  const failed = once(request, 'error');
  request.write(body.slice(0, Math.floor(body.length * 0.9)));
  await until('a batch is stored', async () => {
    const set = await store.annotationSet.findUnique({ where: { name: 'torn' } });
    return (set?.count ?? 0) >= 1000;
  });
  request.destroy(new Error('gone'));
  await failed;
  const torn = await stored('torn');
  assert.equal(torn.count, torn.rows);

  const again = await post('torn', body);
  assert.equal(again.counts.received, 2600);
  assert.equal(again.counts.updated, 0);
  assert.deepEqual(await stored('torn'), { count: 2600, rows: 2600 });
});

test('a batch that cannot be written ends the request with an error; what was written before stays, counted', async () => {
  await query(
    store,
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no more room'; END $$`,
  );
  await query(
    store,
    `CREATE TRIGGER refuse BEFORE INSERT ON annotation FOR EACH ROW WHEN (NEW.img_id = 's700') EXECUTE FUNCTION refuse()`,
  );
  try {
    // The refused batch is written while the ones behind it are read.
    const answer = await app.inject({
      method: 'POST',
      url: '/v1/annotation-sets/refused/annotations',
      payload: ndjson(scenes(2000)),
    });
    assert.equal(answer.statusCode, 500);
    const { count, rows } = await stored('refused');
    assert.ok(rows > 0 && rows <= 700, `${rows} rows`);
    assert.equal(count, rows);
  } finally {
    await query(store, 'DROP FUNCTION refuse() CASCADE');
  }
});

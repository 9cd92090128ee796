import assert from 'node:assert/strict';
import { test } from 'node:test';
import { promptText } from '../../src/annotations/prompt.ts';
import {
  annotationKeys,
  ensureSet,
  findSet,
  getAnnotations,
  listAnnotations,
  listSets,
  upsertAnnotations,
} from '../../src/store/annotations.ts';
import { openStore } from '../../src/store/client.ts';
import { useDatabase } from '../database.ts';
import { scene, scenes } from '../scenes.ts';

const database = await useDatabase();

/** What the table holds, beside what the set says it holds. */
async function counts(setId: string) {
  const { store } = database;
  const rows = await store.annotation.count({ where: { setId } });
  const { count } = await store.annotationSet.findUniqueOrThrow({ where: { id: setId } });
  return { rows, count };
}

test('a set is made once and found by name', async () => {
  const { store } = database;
  const made = await ensureSet(store, 'made once');
  assert.equal((await ensureSet(store, 'made once')).id, made.id);
  assert.deepEqual(await findSet(store, 'made once'), made);
  await assert.rejects(findSet(store, 'never made'), {
    code: 'DIPTYCH_NOT_FOUND',
    message: 'there is no annotation set "never made"',
  });
});

test('an upsert tells new, changed and equal records apart and keeps the count', async () => {
  const { store } = database;
  const { id } = await ensureSet(store, 'upsert');
  const first = scenes(5);
  assert.deepEqual(await upsertAnnotations(store, id, first), { inserted: 5, updated: 0, unchanged: 0 });
  assert.deepEqual(await counts(id), { rows: 5, count: 5 });
  const changed = { ...first[1]!, caption_ori: 'another caption', extra: { kept: [1, 'two'] } };
  const second = [first[0]!, changed, ...scenes(2, 'new')];
  assert.deepEqual(await upsertAnnotations(store, id, second), { inserted: 2, updated: 1, unchanged: 1 });
  assert.deepEqual(await counts(id), { rows: 7, count: 7 });
  const [stored] = await listAnnotations(store, id, 's000', 1);
  assert.deepEqual(stored!.body, changed);
  assert.equal(stored!.prompt, promptText(changed));
});

test('an update keeps the id, so candidates stay with their annotation', async () => {
  const { store } = database;
  const { id } = await ensureSet(store, 'keeps ids');
  await upsertAnnotations(store, id, [scene('x', 1)]);
  const [before] = await listAnnotations(store, id, '', 1);
  await upsertAnnotations(store, id, [scene('x', 2)]);
  const [after] = await listAnnotations(store, id, '', 1);
  assert.equal(after!.id, before!.id);
  assert.notEqual(after!.prompt, before!.prompt);
});

test('of a repeated img_id in a batch the last stays; the earlier ones count as updates', async () => {
  const { store } = database;
  const { id } = await ensureSet(store, 'repeated');
  const batch = [scene('a', 1), scene('b', 1), scene('a', 2), scene('a', 3)];
  assert.deepEqual(await upsertAnnotations(store, id, batch), { inserted: 2, updated: 2, unchanged: 0 });
  const [a] = await listAnnotations(store, id, '', 1);
  assert.deepEqual(a!.body, scene('a', 3));
  assert.deepEqual(await counts(id), { rows: 2, count: 2 });
});

test('ingests of overlapping records at once neither lock each other out nor miscount', async () => {
  const { store } = database;
  const { id } = await ensureSet(store, 'at once');
  const other = openStore(database.url);
  try {
    const all = scenes(60);
    // Every batch overlaps with its neighbours, in another order each time.
    const batches = Array.from({ length: 12 }, (_, i) => {
      const part = [...all.slice(i * 4, i * 4 + 16)];
      return i % 2 ? part.reverse() : part;
    });
    const results = await Promise.all(
      batches.map((batch, i) => upsertAnnotations(i % 2 ? store : other, id, batch)),
    );
    const inserted = results.reduce((sum, result) => sum + result.inserted, 0);
    assert.equal(inserted, 60);
    for (const result of results) {
      assert.equal(result.inserted + result.updated + result.unchanged, 16);
      assert.equal(result.updated, 0);
    }
    assert.deepEqual(await counts(id), { rows: 60, count: 60 });
  } finally {
    await other.$disconnect();
  }
});

test('a failed batch writes nothing and counts nothing', async () => {
  const { store } = database;
  const { id } = await ensureSet(store, 'failed batch');
  const unstorable = { ...scene('bad'), extra: 'NUL: \u0000' };
  await assert.rejects(upsertAnnotations(store, id, [...scenes(3), unstorable]));
  assert.deepEqual(await counts(id), { rows: 0, count: 0 });
});

test('annotations by id come in the order asked for; unknown ids are left out', async () => {
  const { store } = database;
  const { id } = await ensureSet(store, 'by id');
  await upsertAnnotations(store, id, scenes(4));
  const keys = await Array.fromAsync(annotationKeys(store, id));
  assert.deepEqual(
    keys.map(({ splitKey }) => splitKey),
    ['s000', 's001', 's002', 's003'],
  );
  const asked = [keys[2]!.id, '00000000-0000-4000-8000-000000000000', keys[0]!.id];
  const got = await getAnnotations(store, asked);
  assert.deepEqual(
    got.map(({ imgId }) => imgId),
    ['s002', 's000'],
  );
});

test('all keys of a set larger than one page come once each', async () => {
  const { store } = database;
  const { id } = await ensureSet(store, 'large');
  await upsertAnnotations(store, id, scenes(10_001));
  const keys = await Array.fromAsync(annotationKeys(store, id));
  assert.equal(keys.length, 10_001);
  assert.equal(new Set(keys.map(({ splitKey }) => splitKey)).size, 10_001);
});

test('sets are listed by name, a page at a time', async () => {
  const { store } = database;
  for (const name of ['list 3', 'list 1', 'list 2']) await ensureSet(store, name);
  const [one, two] = await listSets(store, 'list', 2);
  assert.deepEqual([one!.name, two!.name], ['list 1', 'list 2']);
  assert.equal((await listSets(store, 'list 2', 1))[0]!.name, 'list 3');
});

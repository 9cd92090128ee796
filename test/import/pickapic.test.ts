/** A Pick-a-Pic file as a run that another one trains on. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { isHeldOut } from '../../pipelines/stages.ts';
import { splitKey, splitOf } from '../../src/export/rows.ts';
import { storedAnnotations } from '../../src/export/source.ts';
import { annotationKeys, findSet } from '../../src/store/annotations.ts';
import { pairsOfRun } from '../../workers/rewarded.ts';
import { LABELS, pickapicRow, writePickapic } from './made-up-pickapic.ts';
import { useImportService } from './service.ts';

const service = await useImportService();
const { store, blobs, folder, send, imported, importsFolder } = service;
const file = path.join(folder, 'train-00000-of-00001.parquet');
const ROWS = 7;
await writePickapic(file, ROWS);
const LABEL_REWARD = { policy: 'mean' as const, weights: { label: 1 } };

test('the pairs of the run are the ones that people chose, ties included', async () => {
  const run = await imported({ as: 'pickapic', annotationSet: 'pick', path: file });
  assert.deepEqual([run.status, run.error, run.kind], ['succeeded', null, 'import']);
  const pairing = { policy: 'all', margin: 0.05, ties: 'keep' } as const;
  const settings = { reward: LABEL_REWARD, pairs: pairing };
  const { pairs, candidates } = await pairsOfRun(store, run.id, settings, 0);
  assert.deepEqual([candidates.length, pairs.length], [2 * ROWS, ROWS]);
  const byId = new Map(candidates.map((candidate) => [candidate.id, candidate]));
  for (const [n, { winner, loser, tie, margin }] of pairs.entries()) {
    const label = LABELS[n % 3]!;
    const row = await pickapicRow(n);
    const [better, worse] = label === 0 ? [row.jpg_1, row.jpg_0] : [row.jpg_0, row.jpg_1];
    assert.deepEqual(await blobs.get(byId.get(winner)!.sha256), better);
    assert.deepEqual(await blobs.get(byId.get(loser)!.sha256), worse);
    assert.deepEqual([tie, margin], label === 0.5 ? [true, 0] : [false, 1]);
    assert.equal(byId.get(winner)!.prompt, row.caption);
  }

  const [first] = (await send('GET', `/v1/runs/${run.id}/candidates`)).body.items;
  assert.deepEqual(
    [first!.imgId, first!.seed, first!.width, first!.height, first!.scores],
    ['train-00000-of-00001-00000000', null, 32, 48, { label: 1 }],
  );
  assert.equal((first!.generation as { model: string }).model, 'dreamlike-art/dreamlike-photoreal-2.0');
  const { items } = (await send('GET', '/v1/annotation-sets/pick/annotations')).body;
  assert.equal(items.length, ROWS);
  assert.deepEqual(items[2], {
    ...{ img_id: 'train-00000-of-00001-00000002', caption_ori: 'a cube 2', items: [], relations: [] },
    pickapic: {
      ...{ best_image_uid: 'tie', created_at: '2001-09-09T01:46:40.002Z' },
      ...{ image_0_uid: 'uid-2-0', image_0_url: '', image_1_uid: 'uid-2-1', image_1_url: '' },
      ...{ ranking_id: '1152921504606846978', user_id: '9', num_example_per_prompt: '1' },
    },
  });
  assert.deepEqual(await readdir(importsFolder), []);

  const events = await store.event.findMany({ where: { runId: run.id }, orderBy: { id: 'asc' } });
  assert.deepEqual(
    events.map(({ type }) => type),
    ['run-created', 'stage-started', 'import-written', 'stage-succeeded', 'run-succeeded'],
  );
  assert.deepEqual(events[2]!.data, { annotations: ROWS, candidates: 2 * ROWS, scores: 2 * ROWS, votes: 0 });
});

test('rows of one caption stay on one side, of exports and of held-out annotations', async () => {
  const many = path.join(folder, 'many.parquet');
  const rows = 60;
  const captionOf = (n: number) => `a cube ${n % 12}`;
  await writePickapic(many, rows, (row, n) => ({ ...row, caption: captionOf(n) }));
  const run = await imported({ as: 'pickapic', annotationSet: 'many', path: many });
  assert.equal(run.error, null);
  const annotations = await Array.fromAsync(storedAnnotations(store, run.id, { votes: 0 }));
  const keys = await Array.fromAsync(annotationKeys(store, (await findSet(store, 'many')).id));
  assert.deepEqual([annotations.length, keys.length], [rows, rows]);
  const sides = new Map<string, Set<string>>();
  for (const [n, annotation] of annotations.entries()) {
    const key = splitKey(annotation);
    assert.equal(keys[n]!.splitKey, key);
    const side = `${splitOf(key)}, ${isHeldOut(key, 0.5)}`;
    sides.set(captionOf(n), (sides.get(captionOf(n)) ?? new Set()).add(side));
  }
  assert.deepEqual(
    [...sides.values()].map(({ size }) => size),
    Array(12).fill(1),
  );
  // Both sides are there: by img_id some caption would stand on both.
  const held = [...sides.values()].map(([side]) => side!.endsWith('true'));
  assert.ok(held.includes(true) && held.includes(false));
});

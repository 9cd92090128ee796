import assert from 'node:assert/strict';
import { test } from 'node:test';
import { taskItems } from '../../pipelines/task-items.ts';
import type { ClaimedTask } from '../../src/jobs/tasks.ts';
import { ensureSet, listAnnotations, upsertAnnotations } from '../../src/store/annotations.ts';
import { insertCandidates } from '../../src/store/candidates.ts';
import { useDatabase } from '../database.ts';
import { scenes } from '../scenes.ts';

const { store } = await useDatabase();
const { id: setId } = await ensureSet(store, 'set');
await upsertAnnotations(store, setId, scenes(3));
const annotationIds = (await listAnnotations(store, setId, '', 9)).map(({ id }) => id);
const [first, second] = annotationIds as [string, string, string];
const { id: runId } = await store.run.create({ data: { kind: 'curate', settings: {}, setId } });
const items = taskItems(store);
const task = (kind: string, payload: object, units: number) =>
  ({ runId, kind, payload, units }) as ClaimedTask;

test('tasks about images are divided by annotation, and their units are those of the whole', () => {
  const generate = items.parts(task('generate', { variant: 'tuned', annotationIds, samples: 2 }, 6));
  assert.deepEqual(
    generate,
    annotationIds.map((id) => ({
      units: 2,
      payload: { variant: 'tuned', annotationIds: [id], samples: 2 },
    })),
  );
  // Of an import: 4 + 2 + 1 images.
  const score = items.parts(task('score', { variant: 'curated', annotationIds }, 7));
  assert.deepEqual(
    score.map(({ units }) => units),
    [2, 2, 3],
  );
  for (const kind of ['train', 'export', 'layout', 'import', 'report'])
    assert.deepEqual(items.parts(task(kind, {}, 5)), []);
});

test('what is lost are the images that were to be drawn, or the scores of those that are there', async () => {
  const drawn = await items.lost(
    task('generate', { variant: 'curated', annotationIds: [first], samples: 2 }, 2),
  );
  assert.deepEqual(
    drawn,
    [0, 1].map((slot) => ({ annotationId: first, variant: 'curated', slot, what: 'image' })),
  );
  const image = { runId, variant: 'curated' as const, slot: 3, seed: 1, requestHash: 'h', sha256: 's' };
  const generation = { model: 'any', modelHash: 'h', sampler: 'ddim', steps: 1, guidance: 1 };
  await store.$transaction((tx) =>
    insertCandidates(
      tx,
      [first, second].map((annotationId) => ({ ...image, annotationId, width: 8, height: 8, generation })),
    ),
  );
  const scored = await items.lost(task('score', { variant: 'curated', annotationIds: [second] }, 4));
  assert.deepEqual(scored, [{ annotationId: second, variant: 'curated', slot: 3, what: 'scores' }]);
  assert.deepEqual(await items.lost(task('train', { votes: 0 }, 9)), []);
});

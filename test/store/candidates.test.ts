import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ensureSet, listAnnotations, upsertAnnotations } from '../../src/store/annotations.ts';
import {
  allScored,
  candidatesOf,
  findGenerated,
  getCandidate,
  insertCandidates,
  insertScores,
  listScored,
  type NewCandidate,
  rememberGenerated,
} from '../../src/store/candidates.ts';
import { useDatabase } from '../database.ts';
import { scene } from '../scenes.ts';

const database = await useDatabase();
const IMG_IDS = ['10', '9', 'a', 'B', 'é'];

async function candidateRows(): Promise<NewCandidate[]> {
  const { store } = database;
  const { id: setId } = await ensureSet(store, 'candidates');
  await upsertAnnotations(
    store,
    setId,
    IMG_IDS.map((imgId, i) => scene(imgId, i)),
  );
  const run = await store.run.create({ data: { kind: 'curate', settings: {}, setId } });
  const generation = { model: 'm', modelHash: 'h', sampler: 'ddim', steps: 2, guidance: 3 };
  const stored = await listAnnotations(store, setId, '', 100);
  return stored.flatMap(({ id, imgId }) =>
    [1, 0].map((slot) => ({
      runId: run.id,
      annotationId: id,
      variant: 'curated' as const,
      slot,
      // Above 2 ** 31: seeds are unsigned.
      seed: 4_000_000_000 + slot,
      requestHash: `${imgId}/${slot}`,
      sha256: `sha of ${imgId}/${slot}`,
      width: 32,
      height: 16,
      generation,
    })),
  );
}

const rows = await candidateRows();
const { runId } = rows[0]!;
await database.store.$transaction((tx) => insertCandidates(tx, rows));

const slots = (list: readonly { imgId: string; slot: number }[]) =>
  list.map(({ imgId, slot }) => `${imgId}/${slot}`);
const IN_ORDER = ['10/0', '10/1', '9/0', '9/1', 'B/0', 'B/1', 'a/0', 'a/1', 'é/0', 'é/1'];

test('candidates come in byte order of img_id, then by slot, whatever the page size', async () => {
  const { store } = database;
  for (const pageSize of [1, 3, 10, 11]) {
    const all = await Array.fromAsync(allScored(store, runId, 'curated', { pageSize }));
    assert.deepEqual(slots(all), IN_ORDER);
  }
  const page = await listScored(store, runId, 'curated', { after: { imgId: '9', slot: 0 }, limit: 2 });
  assert.deepEqual(slots(page), ['9/1', 'B/0']);
  assert.deepEqual(await listScored(store, runId, 'tuned', { limit: 10 }), []);
});

test('the commit of an attempt that repeats a committed one changes nothing', async () => {
  const { store } = database;
  const first = await Array.fromAsync(allScored(store, runId, 'curated'));
  await store.$transaction((tx) =>
    insertCandidates(
      tx,
      rows.map((row) => ({ ...row, sha256: 'another', seed: 1 })),
    ),
  );
  assert.deepEqual(await Array.fromAsync(allScored(store, runId, 'curated')), first);
});

test('scores are kept raw with their evidence, once per metric, mode and version', async () => {
  const { store } = database;
  const [candidate] = await listScored(store, runId, 'curated', { limit: 1 });
  const score = { candidateId: candidate!.id, metric: 'dpg', mode: 'fixed', version: '1' };
  const evidence = { questions: [{ text: 'is there a circle?', answer: true }] };
  const scores = [
    { ...score, value: 1 / 3, evidence },
    { ...score, metric: 'clip', value: -0.25, evidence: {} },
  ];
  await store.$transaction((tx) => insertScores(tx, scores));
  await store.$transaction((tx) => insertScores(tx, [{ ...score, value: 0, evidence: {} }]));
  const [scored] = await listScored(store, runId, 'curated', { limit: 1 });
  assert.deepEqual(scored!.scores, { dpg: 1 / 3, clip: -0.25 });
  const whole = await getCandidate(store, candidate!.id);
  assert.deepEqual(
    whole!.scores.map(({ metric, value }) => [metric, value]),
    [
      ['clip', -0.25],
      ['dpg', 1 / 3],
    ],
  );
  assert.deepEqual(whole!.scores[1]!.evidence, evidence);
  assert.equal(whole!.seed, 4_000_000_000n);
});

test('candidates of some annotations come in the order of those annotations', async () => {
  const annotationIds = [rows.at(-1)!.annotationId, rows[0]!.annotationId];
  const found = await candidatesOf(database.store, runId, 'curated', annotationIds);
  assert.deepEqual(
    found.map(({ sha256 }) => sha256),
    ['sha of é/0', 'sha of é/1', 'sha of 10/0', 'sha of 10/1'],
  );
});

test('an image that was made once is remembered by its request, and the first one stays', async () => {
  const { store } = database;
  const remember = (sha256: string) =>
    store.$transaction((tx) => rememberGenerated(tx, [{ requestHash: 'request', sha256 }]));
  await remember('first');
  await remember('second');
  assert.deepEqual(await findGenerated(store, ['request', 'unknown']), new Map([['request', 'first']]));
});

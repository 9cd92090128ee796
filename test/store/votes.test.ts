/** What can be compared, read a page at a time from any place on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VoteMode } from '../../src/preference/comparisons.ts';
import { ensureSet, listAnnotations, upsertAnnotations } from '../../src/store/annotations.ts';
import { insertCandidates, type NewCandidate, type Variant } from '../../src/store/candidates.ts';
import { candidateSets, comparisonCount } from '../../src/store/votes.ts';
import { useDatabase } from '../database.ts';
import { scenes } from '../scenes.ts';

const { store } = await useDatabase();

const { id: setId } = await ensureSet(store, 'compared');
await upsertAnnotations(store, setId, scenes(9));
const annotations = (await listAnnotations(store, setId, '', 100)).map(({ id }) => id).sort();
const { id: runId } = await store.run.create({ data: { kind: 'curate', settings: {}, setId } });
const candidate = (annotationId: string, variant: Variant, slot: number): NewCandidate => ({
  ...{ runId, annotationId, variant, slot, seed: slot, requestHash: 'h', sha256: 's', width: 1, height: 1 },
  generation: { model: 'm', modelHash: 'h', sampler: 'ddim', steps: 2, guidance: 3 },
});
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
// None to four curated ones; of the evaluation two slots, of which every third annotation's second has no tuned one.
const rows = annotations.flatMap((id, i) => [
  ...range(i % 5).map((slot) => candidate(id, 'curated', slot)),
  ...range(2).map((slot) => candidate(id, 'base', slot)),
  ...range(i % 3 === 0 ? 1 : 2).map((slot) => candidate(id, 'tuned', slot)),
]);
await store.$transaction((tx) => insertCandidates(tx, rows));

/** Sizes of an annotation's sets. */
const SIZES: Record<VoteMode, (i: number) => number[]> = {
  pair: (i) => (i % 5 >= 2 ? [i % 5] : []),
  rank: (i) => (i % 5 >= 3 ? [i % 5] : []),
  study: (i) => (i % 3 === 0 ? [2] : [2, 2]),
};

for (const mode of ['pair', 'rank', 'study'] as const) {
  test(`${mode}: every set once, from any annotation on, whatever the page size`, async () => {
    for (const pageSize of [1, 2, 9, 200]) {
      for (const first of range(annotations.length + 1)) {
        const from = annotations[first - 1] ?? '00000000-0000-4000-8000-000000000000';
        const found = await Array.fromAsync(candidateSets(store, runId, mode, from, pageSize));
        const order = range(annotations.length).map((i) => (i + first) % annotations.length);
        assert.deepEqual(
          found.map(({ annotationId, candidates }) => [annotationId, candidates.length]),
          order.flatMap((i) => SIZES[mode](i).map((size) => [annotations[i], size])),
        );
      }
    }
  });

  test(`${mode}: counted`, async () => {
    const sizes = annotations.flatMap((_, i) => SIZES[mode](i));
    const expected = mode === 'pair' ? sizes.reduce((sum, n) => sum + (n * (n - 1)) / 2, 0) : sizes.length;
    assert.equal(await comparisonCount(store, runId, mode), expected);
  });
}

test('candidates of a set stand in the order of variant and slot', async () => {
  const candidates = await store.candidate.findMany({ where: { runId } });
  const of = new Map(candidates.map(({ id, variant, slot }) => [id, `${variant} ${slot}`]));
  const [pair] = await Array.fromAsync(candidateSets(store, runId, 'pair', annotations[3]!));
  assert.deepEqual(
    pair!.candidates.map((id) => of.get(id)),
    range(4).map((slot) => `curated ${slot}`),
  );
  for await (const set of candidateSets(store, runId, 'study', annotations[0]!)) {
    const [base, tuned] = set.candidates.map((id) => of.get(id)!.split(' ')) as [string[], string[]];
    assert.deepEqual([base[0], tuned[0], base[1]], ['base', 'tuned', tuned[1]]);
  }
});

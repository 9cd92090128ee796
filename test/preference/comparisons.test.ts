/** What voters are asked: everything once, the same when asked again, and every place equally often. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  askedMode,
  type CandidateSet,
  comparisons,
  type VoteMode,
} from '../../src/preference/comparisons.ts';
import { hashSeed } from '../../src/random.ts';

/** Of annotations with random ids, in their order. */
const sets = (count: number, size = 4): CandidateSet[] =>
  Array.from({ length: count }, (_, i) => hashSeed('annotation', i).toString(16).padStart(8, '0'))
    .sort()
    .map((annotationId) => ({
      annotationId,
      candidates: Array.from({ length: size }, (_, slot) => `${annotationId}-${slot}`),
    }));
const list = (given: readonly CandidateSet[], ...how: [mode: VoteMode, seed: number, voter: string]) =>
  Array.fromAsync(
    comparisons(
      async function* (id) {
        yield* given.filter(({ annotationId }) => annotationId > id);
        yield* given.filter(({ annotationId }) => annotationId <= id);
      },
      ...how,
    ),
  );

test('pairs: every two candidates once, every annotation once before any comes again', async () => {
  const given = [...sets(30), { annotationId: 'few', candidates: ['few-0', 'few-1'] }];
  const all = await list(given, 'pair', 1, 'ada');
  assert.equal(all.length, 30 * 6 + 1);
  assert.equal(new Set(all.map(({ candidates }) => candidates.join())).size, all.length);
  assert.equal(new Set(all.slice(0, 31).map(({ annotationId }) => annotationId)).size, 31);
  assert.equal(new Set(all.slice(31, 61).map(({ annotationId }) => annotationId)).size, 30);
});

test('ranking and study: every set once, whole', async () => {
  for (const mode of ['rank', 'study'] as const) {
    const all = await list(sets(50), mode, 1, 'ada');
    assert.equal(all.length, 50);
    assert.equal(new Set(all.map(({ annotationId }) => annotationId)).size, 50);
    assert.ok(all.every(({ candidates, shown }) => shown.toSorted().join() === candidates.join()));
  }
});

test('of n successive comparisons of n candidates, each slot stands at each place once', async () => {
  for (const [size, mode] of [
    [2, 'study'],
    [4, 'rank'],
    [5, 'rank'],
  ] as const) {
    const all = await list(sets(10 * size, size), mode, 7, 'ada');
    for (let at = 0; at < all.length; at += size) {
      const block = all.slice(at, at + size);
      for (let place = 0; place < size; place++) {
        const slots = block.map(({ shown }) => shown[place]!.split('-')[1]);
        assert.deepEqual(
          slots.sort(),
          Array.from({ length: size }, (_, i) => `${i}`),
        );
      }
    }
  }
});

test('pairs of every prefix stand in both orders equally often, give or take one', async () => {
  let lead = 0;
  for (const { candidates, shown } of await list(sets(500), 'pair', 3, 'ada')) {
    lead += shown[0] === candidates[0] ? 1 : -1;
    assert.ok(Math.abs(lead) <= 1);
  }
});

test('the first place of a block is random: within four deviations of half', async () => {
  const firsts = (await list(sets(4000, 2), 'study', 5, 'ada')).filter((_, i) => i % 2 === 0);
  const kept = firsts.filter(({ candidates, shown }) => shown[0] === candidates[0]).length;
  assert.ok(Math.abs(kept - 1000) < 4 * Math.sqrt(500), `${kept}`);
});

test('asked again it is the same; all voters are asked in one order, with places of their own; a seed gives another', async () => {
  const order = async (seed: number, voter: string) =>
    (await list(sets(40), 'pair', seed, voter)).map((c) => c.candidates.join());
  const places = async (voter: string) => (await list(sets(40), 'pair', 1, voter)).map((c) => c.shown.join());
  assert.deepEqual(await places('ada'), await places('ada'));
  assert.notDeepEqual(await places('ada'), await places('bob'));
  assert.deepEqual(await order(1, 'ada'), await order(1, 'bob'));
  assert.notDeepEqual(await order(1, 'ada'), await order(2, 'ada'));
});

test('no more is read than is asked', async () => {
  let read = 0;
  async function* setsFrom() {
    for (const set of sets(100)) {
      read++;
      yield set;
    }
  }
  for await (const { candidates } of comparisons(setsFrom, 'pair', 1, 'ada')) if (candidates) break;
  assert.equal(read, 1);
});

test('the mode follows from the candidates', () => {
  const of = (...said: string[]) =>
    askedMode(
      said.map((text) => {
        const [annotationId, variant, slot] = text.split(' ');
        return { annotationId: annotationId!, variant: variant!, slot: Number(slot) };
      }),
    );
  assert.equal(of('a curated 0', 'a curated 3'), 'pair');
  assert.equal(of('a curated 0', 'a curated 1', 'a curated 2'), 'rank');
  assert.equal(of('a base 1', 'a tuned 1'), 'study');
  for (const wrong of [
    [],
    ['a curated 0'],
    ['a curated 0', 'b curated 1'],
    ['a base 0', 'a tuned 1'],
    ['a base 0', 'a base 1'],
    ['a base 0', 'a curated 0'],
    ['a base 0', 'a tuned 0', 'a tuned 1'],
  ]) {
    assert.equal(of(...wrong), null, wrong.join());
  }
});

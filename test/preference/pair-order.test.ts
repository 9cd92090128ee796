import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pairBatch } from '../../src/preference/pairs.ts';

/** The first `steps` batches in a row. */
const stream = (count: number, batch: number, seed: number, steps: number) =>
  Array.from({ length: steps }, (_, cursor) => pairBatch(count, batch, seed, cursor)).flat();

test('every epoch is a permutation of all pairs, also when batches straddle its end', () => {
  for (const [count, batch] of [
    [10, 1],
    [10, 4],
    [7, 3],
    [3, 8],
    [1, 4],
  ] as const) {
    const indices = stream(count, batch, 5, count * 3);
    for (let epoch = 0; (epoch + 1) * count <= indices.length; epoch++) {
      const seen = indices.slice(epoch * count, (epoch + 1) * count);
      assert.deepEqual(
        [...seen].sort((a, b) => a - b),
        Array.from({ length: count }, (_, i) => i),
      );
    }
  }
});

test('a batch is a function of seed and cursor, so a resumed run sees what an undisturbed one saw', () => {
  const undisturbed = stream(50, 6, 9, 30);
  for (const cursor of [29, 7, 0, 17]) {
    assert.deepEqual(pairBatch(50, 6, 9, cursor), undisturbed.slice(cursor * 6, cursor * 6 + 6));
  }
});

test('the size of the batch does not change the order', () => {
  assert.deepEqual(stream(12, 4, 3, 9), stream(12, 1, 3, 36));
});

test('epochs and seeds have orders of their own', () => {
  const orders = [1, 2, 3].flatMap((seed) => [0, 1, 2].map((epoch) => pairBatch(20, 20, seed, epoch).join()));
  assert.equal(new Set(orders).size, orders.length);
});

test('each pair is as likely first as any other', () => {
  const counts = new Float64Array(5);
  for (let seed = 0; seed < 2000; seed++) counts[pairBatch(5, 1, seed, 0)[0]!]!++;
  // 400 expected each, deviation 18.
  for (const count of counts) assert.ok(Math.abs(count - 400) < 90, String(counts));
});

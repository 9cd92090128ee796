import assert from 'node:assert/strict';
import { test } from 'node:test';
import { studyResult } from '../../src/evaluation/user-study.ts';
import { wilsonInterval } from '../../src/evaluation/wilson.ts';

test('the interval equals that of published examples', () => {
  // Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3.
  for (const [wins, count, low, high] of [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ] as const) {
    const [from, to] = wilsonInterval(wins / count, count);
    assert.ok(Math.abs(from - low) < 5e-5 && Math.abs(to - high) < 5e-5, `${wins}/${count}: ${from}, ${to}`);
  }
  assert.deepEqual(wilsonInterval(0.5, 0), [0, 1]);
});

test('its bounds are where the share lies 1.96 standard errors away', () => {
  for (const [share, count] of [
    [0.3, 10],
    [0.85, 40],
    [0.5, 7],
  ] as const) {
    for (const bound of wilsonInterval(share, count)) {
      assert.ok(
        Math.abs(Math.abs(share - bound) / Math.sqrt((bound * (1 - bound)) / count) - 1.959964) < 1e-6,
      );
    }
  }
});

test('annotations count equally, however many votes each has; neither is half', () => {
  const vote = (annotationId: string, better: 'base' | 'tuned' | null) => ({ annotationId, better });
  const result = studyResult([
    ...Array.from({ length: 6 }, () => vote('a', 'tuned')),
    vote('b', 'base'),
    vote('c', null),
    vote('d', 'tuned'),
    vote('d', 'base'),
  ]);
  assert.deepEqual(result, {
    ...{ annotations: 4, votes: 10, base: 2, tuned: 7, neither: 1, winRate: 0.5 },
    interval95: wilsonInterval(0.5, 4),
  });
  assert.deepEqual(studyResult([]).interval95, null);
});

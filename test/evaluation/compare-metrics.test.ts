/** Metrics of matched images compared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare } from '../../src/evaluation/bootstrap.ts';
import { compareMetric, compareMetrics, type Matched } from '../../src/evaluation/compare-metrics.ts';
import { hashSeed } from '../../src/random.ts';

const match = (imgId: string, base: object, tuned: object): Matched => ({
  imgId,
  base: { reward: 0, scores: { ...base } },
  tuned: { reward: 1, scores: { ...tuned } },
});
const MATCHES = [
  match('a', { dpg: 0.2, clip: 1 }, { dpg: 0.4 }),
  match('a', { dpg: 0.4, clip: 1 }, { dpg: 0.8 }),
  match('b', { dpg: 1 }, { dpg: 0.5 }),
  match('c', {}, { dpg: 1 }),
];

test('samples of one annotation count as one; what a side lacks is left out', () => {
  const close = (a: number, b: number) => Math.abs(a - b) < 1e-12;
  const dpg = compareMetric(MATCHES, 'dpg', 7)!;
  const expected = compare([0.3, 1], [0.6, 0.5], hashSeed('bootstrap', 7, 'dpg'));
  assert.equal(dpg.count, 2);
  assert.ok(close(dpg.difference, -0.1) && close(dpg.base, 0.65) && dpg.winRate === 0.5);
  for (const i of [0, 1]) assert.ok(close(dpg.interval95[i]!, expected.interval95[i]!));
  assert.equal(compareMetric(MATCHES, 'clip', 7), null);
});

test('the reward comes first, and metrics that no image has on both sides are not there', () => {
  const all = compareMetrics(MATCHES, 7);
  assert.deepEqual(Object.keys(all), ['reward', 'dpg']);
  assert.deepEqual([all.reward!.difference, all.reward!.count], [1, 3]);
  const missing = MATCHES.map((one) => ({ ...one, base: { ...one.base, reward: null } }));
  assert.deepEqual(Object.keys(compareMetrics(missing, 7)), ['dpg']);
});

/** Histograms, agreement, coverage and the report of a set, against plain counting. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricAgreement } from '../../src/quality/agreement.ts';
import { coverage } from '../../src/quality/coverage.ts';
import { histogram } from '../../src/quality/histogram.ts';
import { qualityReport } from '../../src/quality/report.ts';
import { createRandom } from '../../src/random.ts';
import { scene } from '../scenes.ts';

const histogramOf = (values: readonly number[]) => {
  const made = histogram();
  for (const value of values) made.add(value);
  return made.result();
};
const near = (got: number, want: number) =>
  assert.ok(Math.abs(got - want) <= 1e-12 * Math.max(1, Math.abs(want)), `${got}, not ${want}`);

test('every value lies in its bin, whatever the range, and in any order the bins are the same', () => {
  const random = createRandom(3);
  const ranges: [from: number, to: number][] = [
    [0, 1],
    [0.21, 0.23],
    [-40, 3e6],
    [-5, -4.999],
    [1e9, 1e9 + 1],
  ];
  for (const [from, to] of ranges) {
    const values = Array.from({ length: 500 }, () => from + (to - from) * random.next());
    const made = histogramOf(values);
    const { counts, width, from: first } = made;
    assert.ok(counts.length > 15 && counts.length <= 32, `${counts.length} bins from ${from} to ${to}`);
    const want = counts.map(
      (_, i) => values.filter((x) => x >= first + i * width && x < first + (i + 1) * width).length,
    );
    assert.deepEqual(counts, want);
    assert.deepEqual([made.count, made.min, made.max], [500, Math.min(...values), Math.max(...values)]);
    const mean = values.reduce((sum, x) => sum + x, 0) / 500;
    near(made.mean!, mean);
    const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 500);
    // The plain sum is rounded where the values are large and close together.
    assert.ok(Math.abs(made.deviation! / deviation - 1) < 1e-6, `${made.deviation}, not ${deviation}`);
    for (const other of [values.toSorted((a, b) => a - b), values.toReversed()]) {
      const again = histogramOf(other);
      assert.deepEqual([again.counts, again.width, again.from], [counts, width, first]);
    }
  }
});

test('no values, one value, and a value on an edge', () => {
  assert.deepEqual(histogramOf([]).counts, []);
  assert.equal(histogramOf([]).mean, null);
  assert.deepEqual(histogramOf([0.3, 0.3]).counts, [2]);
  const { from, width, counts } = histogramOf([0, 1]);
  assert.deepEqual([from, counts[0], counts.at(-1), counts.length * width], [0, 1, 1, 1 + width]);
});

test("agreement is Kendall's tau-b, as SciPy 1.16 computes it", () => {
  const cases: [a: number[], b: number[], tau: number][] = [
    [[0.1, 0.4, 0.4, 0.9, 0.2, 0.7, 0.7], [3, 1, 2, 2, 0, 5, 4], 0.30779350562554614],
    [[1, 2, 3, 4], [2, 1, 3, 4], 2 / 3],
    [[1, 2, 3], [3, 2, 1], -1],
  ];
  for (const [a, b, tau] of cases) {
    const agreement = metricAgreement();
    agreement.add(a.map((x, i) => ({ a: x, b: b[i]! })));
    near(agreement.result()[0]!.tau!, tau);
  }
});

test('agreement counts within annotations alone, where both metrics measured', () => {
  const agreement = metricAgreement();
  agreement.add([{ a: 1, b: 1 }, { a: 2, b: 2 }, { a: 3 }]);
  agreement.add([
    { a: 10, b: 0 },
    { a: 11, b: -1, c: 1 },
    { a: 11, b: -2, c: 1 },
  ]);
  assert.deepEqual(agreement.result(), [
    { metrics: ['a', 'b'], compared: 4, concordant: 1, discordant: 2, tau: -1 / Math.sqrt(3 * 4) },
    { metrics: ['a', 'c'], compared: 1, concordant: 0, discordant: 0, tau: null },
    { metrics: ['b', 'c'], compared: 1, concordant: 0, discordant: 0, tau: null },
  ]);
});

test('coverage counts annotations, not mentions, and names what has no pair', () => {
  const covered = coverage();
  for (const [number, paired] of [
    [0, true],
    [1, false],
    [4, true],
    [4, true],
  ] as const) {
    covered.add(scene('s', number), paired);
  }
  const { items, attributes, relations } = covered.result();
  assert.deepEqual(items.most, [
    { name: 'square', annotations: 4, paired: 3 },
    { name: 'circle', annotations: 3, paired: 3 },
    { name: 'triangle', annotations: 1, paired: 0 },
  ]);
  assert.deepEqual([items.distinct, items.unpaired, items.mostUnpaired[0]!.name], [3, 1, 'triangle']);
  assert.deepEqual([attributes.distinct, attributes.unpaired], [4, 1]);
  assert.deepEqual(relations.most, [{ name: 'left of', annotations: 4, paired: 3 }]);
  const twice = coverage();
  const { items: two, ...rest } = scene('s', 0);
  twice.add({ ...rest, items: [two[0]!, { ...two[0]!, item_id: 1 }] }, true);
  assert.equal(twice.result().items.most[0]!.annotations, 1);
});

test('the report counts what went in, and the reward stands among the metrics', () => {
  const report = qualityReport();
  const candidate = (dpg: number, reward: number | null) => ({ scores: { dpg }, reward, repeat: null });
  report.add({
    body: scene('a', 0),
    candidates: [
      candidate(0.5, 1),
      { ...candidate(0.25, 0), repeat: { of: 'x', distance: 0, exact: true } },
      { ...candidate(0.25, null), repeat: { of: 'x', distance: 2, exact: false } },
    ],
    comparisons: [
      { margin: 1, leftOut: null },
      { margin: 0.5, leftOut: 'size' },
      { margin: 0, leftOut: 'tie' },
    ],
  });
  report.add({ body: scene('b', 1), candidates: [candidate(1, 1)], comparisons: [] });
  const { metrics, rewards, margins, agreement, coverage: covered, ...counts } = report.result();
  assert.deepEqual(counts, {
    annotations: 2,
    annotationsWithoutPair: 1,
    candidates: 4,
    candidatesWithoutReward: 1,
    repeats: { exact: 1, near: 1 },
    comparisons: { compared: 3, pairs: 1, tie: 1, dominance: 0, size: 1 },
  });
  assert.deepEqual([metrics.dpg!.count, rewards.count, margins.count], [4, 3, 3]);
  assert.deepEqual(agreement, [
    { metrics: ['dpg', 'reward'], compared: 1, concordant: 1, discordant: 0, tau: 1 },
  ]);
  assert.deepEqual([covered.items.distinct, covered.items.unpaired], [3, 1]);
});

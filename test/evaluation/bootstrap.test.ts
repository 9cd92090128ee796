import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare } from '../../src/evaluation/bootstrap.ts';
import { createRandom } from '../../src/random.ts';

const normals = (count: number, seed: number, mean = 0, deviation = 1) => {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => mean + deviation * random.normal());
};
const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
const deviationOf = (values: readonly number[]) => {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((x) => (x - centre) ** 2)));
};

test('means, difference and count are those of the annotations', () => {
  const { base, tuned, difference, count } = compare([1, 2, 3, 6], [2, 2, 5, 9], 1);
  assert.deepEqual({ base, tuned, difference, count }, { base: 3, tuned: 4.5, difference: 1.5, count: 4 });
});

test('of a large sample the interval is mean ± 1.96 standard errors', () => {
  const count = 400;
  const base = normals(count, 1, 5, 3);
  // Differences that are paired: base varies far more than the difference does.
  const differences = normals(count, 2, 0.1, 0.5);
  const { interval95 } = compare(
    base,
    base.map((value, i) => value + differences[i]!),
    7,
  );
  const error = deviationOf(differences) / Math.sqrt(count);
  // The end of an interval from 5000 resamples varies by about 3.7% of a standard error; three times that.
  for (const [got, want] of [
    [interval95[0], mean(differences) - 1.959964 * error],
    [interval95[1], mean(differences) + 1.959964 * error],
  ] as const) {
    assert.ok(Math.abs(got - want) < 0.12 * error, `${got}, expected ${want} ± ${0.12 * error}`);
  }
});

test('of two annotations the interval is known: every resample is one of three means', () => {
  // Means are 0 (1/4), 1 (1/2) and 2 (1/4): both ends lie on the outer ones.
  const { interval95, difference } = compare([0, 0], [0, 2], 3);
  assert.deepEqual([...interval95, difference], [0, 2, 1]);
});

test('a constant difference and a single annotation give an interval of one point', () => {
  assert.deepEqual(compare([1, 2, 3], [1.5, 2.5, 3.5], 4).interval95, [0.5, 0.5]);
  assert.deepEqual(compare([2], [5], 4).interval95, [3, 3]);
  const same = compare([1, 2, 3], [1, 2, 3], 4);
  assert.deepEqual([same.difference, ...same.interval95, same.winRate], [0, 0, 0, 0.5]);
});

test('the interval holds the true difference in about 95 of 100 studies', () => {
  const studies = 150;
  let covered = 0;
  for (let i = 0; i < studies; i++) {
    const base = normals(60, 1000 + i);
    const tuned = normals(60, 9000 + i).map((x, k) => 0.3 + 0.5 * x + base[k]!);
    const [low, high] = compare(base, tuned, i).interval95;
    if (low <= 0.3 && 0.3 <= high) covered++;
  }
  // Percentile intervals of 60 cover about 94%; three binomial deviations of 2% either side.
  assert.ok(covered / studies > 0.88 && covered / studies < 0.995, `covered ${covered} of ${studies}`);
});

test('a win is a higher value, ties count half', () => {
  assert.equal(compare([1, 1, 1, 1], [2, 2, 1, 0], 1).winRate, 0.625);
  assert.equal(compare([1, 1], [0, 0], 1).winRate, 0);
  assert.equal(compare([0, 0], [1e-12, 1], 1).winRate, 1);
});

test('the same seed gives the same interval, another seed another', () => {
  const [base, tuned] = [normals(30, 1), normals(30, 2)];
  assert.deepEqual(compare(base, tuned, 5), compare(base, tuned, 5));
  assert.notDeepEqual(compare(base, tuned, 6).interval95, compare(base, tuned, 5).interval95);
});

test('swapping the models mirrors the comparison', () => {
  const [base, tuned] = [normals(40, 1), normals(40, 2)];
  const there = compare(base, tuned, 5);
  const back = compare(tuned, base, 5);
  for (const [a, b] of [
    [there.difference, -back.difference],
    [there.interval95[0], -back.interval95[1]],
    [there.interval95[1], -back.interval95[0]],
    [there.winRate, 1 - back.winRate],
  ] as const) {
    assert.ok(Math.abs(a - b) < 1e-12, `${a} and ${b}`);
  }
});

test('without annotations, or with values that have no partner, there is nothing to compare', () => {
  for (const [base, tuned] of [
    [[], []],
    [[1, 2], [1]],
    [[1], [1, 2]],
  ]) {
    assert.throws(() => compare(base!, tuned!, 1), { code: 'DIPTYCH_INVALID_INPUT' });
  }
});

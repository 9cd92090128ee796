/** Frechet distance in closed form (recorded values are in test/golden/frechet), and the eigenvalues under it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { featureStatistics, frechetDistance } from '../../src/evaluation/frechet.ts';
import { symmetricEigenvalues } from '../../src/evaluation/symmetric-eigenvalues.ts';
import { createRandom } from '../../src/random.ts';

const near = (got: number, want: number, tolerance: number) =>
  assert.ok(Math.abs(got - want) <= tolerance, `${got} against ${want}`);

/** Statistics with a diagonal covariance. */
const diagonal = (mean: number[], variances: number[]) => ({
  mean: Float64Array.from(mean),
  covariance: Float64Array.from(variances.flatMap((v, i) => variances.map((_, j) => (i === j ? v : 0)))),
});

test('diagonal covariances: squared differences of means and of deviations', () => {
  const [a, b] = [diagonal([1, 2, 0], [4, 9, 0]), diagonal([0, 0, 1], [1, 16, 25])];
  const want = 1 + 4 + 1 + (2 - 1) ** 2 + (3 - 4) ** 2 + (0 - 5) ** 2;
  near(frechetDistance(a, b), want, 1e-12);
  near(frechetDistance(b, a), want, 1e-12);
});

test('one vector repeated has no spread, and lies as far from another as the two are apart', () => {
  const [a, b] = [
    featureStatistics([
      [1, 2],
      [1, 2],
    ]),
    featureStatistics([
      [4, 6],
      [4, 6],
      [4, 6],
    ]),
  ];
  assert.equal(frechetDistance(a, b), 25);
});

test('fewer vectors than values, on either side', () => {
  const random = createRandom(5);
  const vectors = (count: number) =>
    Array.from({ length: count }, () => Array.from({ length: 40 }, () => random.normal()));
  const [few, many] = [featureStatistics(vectors(6)), featureStatistics(vectors(100))];
  near(frechetDistance(few, few), 0, 1e-9);
  near(frechetDistance(few, many), frechetDistance(many, few), 1e-9);
});

test('what is no set of feature vectors is refused by its values', () => {
  const refusal = (message: RegExp) => ({ code: 'DIPTYCH_INVALID_INPUT', message });
  assert.throws(() => featureStatistics([[1, 2]]), refusal(/at least two feature vectors, there are 1/));
  assert.throws(
    () => featureStatistics([[1, 2], [1]]),
    refusal(/feature vector 1 has 1 values, the first 2/),
  );
  assert.throws(
    () =>
      featureStatistics([
        [1, 2],
        [1, Number.NaN],
      ]),
    refusal(/vector 1 has NaN at 1/),
  );
  assert.throws(
    () => frechetDistance(diagonal([0], [1]), diagonal([0, 0], [1, 1])),
    refusal(/1 values .* with 2/),
  );
});

/** Q diag(values) Q' for a reflection Q = 1 - 2 u u'. */
function turned(values: readonly number[], seed: number): Float64Array {
  const n = values.length;
  const random = createRandom(seed);
  const u = values.map(() => random.normal());
  const square = u.reduce((sum, x) => sum + x * x, 0);
  const q = (i: number, j: number) => (i === j ? 1 : 0) - (2 * u[i]! * u[j]!) / square;
  return Float64Array.from({ length: n * n }, (_, at) =>
    values.reduce((sum, value, k) => sum + q(Math.floor(at / n), k) * value * q(at % n, k), 0),
  );
}

for (const values of [
  [],
  [3],
  [0, 0, 0],
  [-2, 5],
  [1, 1, 1, 7],
  [1e-12, 1e-6, 1, 1e6],
  Array.from({ length: 30 }, (_, i) => (i - 10) ** 3),
]) {
  test(`the eigenvalues ${JSON.stringify(values).slice(0, 40)} are found again`, () => {
    const found = symmetricEigenvalues(turned(values, 3), values.length).sort();
    const largest = Math.max(0, ...values.map(Math.abs));
    for (const [i, want] of values.toSorted((x, y) => x - y).entries())
      near(found[i]!, want, 1e-14 * values.length * largest);
  });
}

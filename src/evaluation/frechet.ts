/**
 * Frechet distance between two sets of feature vectors, each seen as a normal distribution (Heusel et al.,
 * arXiv 1706.08500, equation 6): with Inception's features the FID. Plain float64.
 */
import { DiptychError } from '../errors.ts';
import { symmetricEigenvalues } from './symmetric-eigenvalues.ts';

export interface FeatureStatistics {
  /** [D] */
  mean: Float64Array;
  /** [D, D], row-major, divided by the number of vectors less one. */
  covariance: Float64Array;
}

/** Throws DIPTYCH_INVALID_INPUT for fewer than two vectors, unequal lengths, or a value that is no number. */
export function featureStatistics(vectors: readonly ArrayLike<number>[]): FeatureStatistics {
  const count = vectors.length;
  if (count < 2) throw bad(`a covariance needs at least two feature vectors, there are ${count}`);
  const d = vectors[0]!.length;
  const mean = new Float64Array(d);
  for (const [row, vector] of vectors.entries()) {
    if (vector.length !== d) throw bad(`feature vector ${row} has ${vector.length} values, the first ${d}`);
    for (let i = 0; i < d; i++) {
      if (!Number.isFinite(vector[i])) throw bad(`feature vector ${row} has ${vector[i]} at ${i}`);
      mean[i]! += vector[i]! / count;
    }
  }
  const covariance = new Float64Array(d * d);
  const centred = new Float64Array(d);
  for (const vector of vectors) {
    for (let i = 0; i < d; i++) centred[i] = vector[i]! - mean[i]!;
    for (let i = 0; i < d; i++) {
      const share = centred[i]! / (count - 1);
      for (let j = 0; j <= i; j++) covariance[i * d + j]! += share * centred[j]!;
    }
  }
  for (let i = 0; i < d; i++) for (let j = 0; j < i; j++) covariance[j * d + i] = covariance[i * d + j]!;
  return { mean, covariance };
}

/**
 * |mean_a - mean_b|^2 + Tr(S_a + S_b - 2 (S_a S_b)^1/2) for covariances S; of equal sets 0 up to rounding, which may
 * fall below it. The trace of the root is the sum of the roots of S_a S_b's eigenvalues, which are those of the
 * symmetric L' S_b L for S_a = L L', or the other way round: the covariance of lower rank (fewer vectors than values)
 * is the one to split, so that no eigenvalue is nothing but rounding.
 * Throws DIPTYCH_INVALID_INPUT when the two have vectors of different lengths.
 */
export function frechetDistance(a: FeatureStatistics, b: FeatureStatistics): number {
  const d = a.mean.length;
  if (b.mean.length !== d) throw bad(`features of ${d} values can't be compared with ${b.mean.length}`);
  const [ofA, ofB] = [choleskyRows(a.covariance, d), choleskyRows(b.covariance, d)];
  const [factor, other] = ofA.length <= ofB.length ? [ofA, b.covariance] : [ofB, a.covariance];
  const r = factor.length;
  const product = new Float64Array(r * r);
  for (const [i, row] of factor.entries()) {
    const turned = timesVector(other, row);
    for (let j = 0; j <= i; j++) product[i * r + j] = product[j * r + i] = dot(turned, factor[j]!);
  }
  let distance = 0;
  for (let i = 0; i < d; i++) {
    distance += (a.mean[i]! - b.mean[i]!) ** 2 + a.covariance[i * d + i]! + b.covariance[i * d + i]!;
  }
  for (const eigenvalue of symmetricEigenvalues(product, r)) {
    // Below 0 by rounding alone.
    distance -= 2 * Math.sqrt(Math.max(0, eigenvalue));
  }
  return distance;
}

/**
 * The columns of L in s = L L', largest remaining variance first, as many as s has rank (Higham, Accuracy and
 * Stability of Numerical Algorithms, section 10.3). `s`: d x d, symmetric, no negative eigenvalue.
 */
function choleskyRows(s: Float64Array, d: number): Float64Array[] {
  const rest = Float64Array.from({ length: d }, (_, i) => s[i * d + i]!);
  const rounding = d * Number.EPSILON * Math.max(...rest);
  const rows: Float64Array[] = [];
  while (rows.length < d) {
    const pivot = rest.indexOf(Math.max(...rest));
    if (rest[pivot]! <= rounding) break;
    const row = s.slice(pivot * d, (pivot + 1) * d);
    for (const earlier of rows) {
      const share = earlier[pivot]!;
      for (let i = 0; i < d; i++) row[i]! -= share * earlier[i]!;
    }
    const root = Math.sqrt(rest[pivot]!);
    for (let i = 0; i < d; i++) {
      row[i]! /= root;
      rest[i]! -= row[i]! ** 2;
    }
    rest[pivot] = 0;
    rows.push(row);
  }
  return rows;
}

const timesVector = (s: Float64Array, x: Float64Array): Float64Array =>
  x.map((_, i) => dot(s.subarray(i * x.length, (i + 1) * x.length), x));

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
}

const bad = (message: string) => new DiptychError('DIPTYCH_INVALID_INPUT', message);

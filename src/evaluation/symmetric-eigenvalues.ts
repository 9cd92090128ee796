/**
 * Eigenvalues of a real symmetric matrix in float64: Householder reflections to tridiagonal form, then implicit QR
 * steps with Wilkinson's shift. Golub and Van Loan, Matrix Computations, algorithms 8.3.1 to 8.3.3, without vectors.
 */

interface Tridiagonal {
  /** n numbers. */
  diagonal: Float64Array;
  /** The n - 1 numbers beside it. */
  beside: Float64Array;
}

/** `a`: n x n, row-major, all finite; it is overwritten. The eigenvalues come in no particular order. */
export function symmetricEigenvalues(a: Float64Array, n: number): Float64Array {
  const t = tridiagonal(a, n);
  let high = n - 1;
  while (high > 0) {
    if (splitsAt(t, high - 1)) {
      high--;
      continue;
    }
    let low = high - 1;
    while (low > 0 && !splitsAt(t, low - 1)) low--;
    qrStep(t, low, high);
  }
  return t.diagonal;
}

/** An orthogonally similar matrix that is tridiagonal. */
function tridiagonal(a: Float64Array, n: number): Tridiagonal {
  const beside = new Float64Array(Math.max(0, n - 1));
  const v = new Float64Array(n);
  const w = new Float64Array(n);
  for (let k = 0; k < n - 1; k++) {
    // The reflection 1 - v v' / h, with h = v'v / 2, takes row k right of the diagonal to (beside[k], 0, ...).
    v.set(a.subarray(k * n + k + 1, (k + 1) * n), k + 1);
    let square = 0;
    for (let i = k + 1; i < n; i++) square += v[i]! ** 2;
    const first = v[k + 1]!;
    beside[k] = first > 0 ? -Math.sqrt(square) : Math.sqrt(square);
    v[k + 1] = first - beside[k]!;
    const h = square - first * beside[k]!;
    if (h === 0) continue;
    // On both sides of the rest: A - v w' - w v', with w = p - (p'v / 2h) v and p = A v / h.
    let overlap = 0;
    for (let i = k + 1; i < n; i++) {
      let sum = 0;
      for (let j = k + 1; j < n; j++) sum += a[i * n + j]! * v[j]!;
      w[i] = sum / h;
      overlap += w[i]! * v[i]!;
    }
    for (let i = k + 1; i < n; i++) w[i]! -= (overlap / (2 * h)) * v[i]!;
    for (let i = k + 1; i < n; i++) {
      const [vi, wi] = [v[i]!, w[i]!];
      for (let j = k + 1; j < n; j++) a[i * n + j]! -= vi * w[j]! + wi * v[j]!;
    }
  }
  return { diagonal: Float64Array.from({ length: n }, (_, i) => a[i * n + i]!), beside };
}

/** Whether the number between i and i + 1 is nothing beside its neighbours: the matrix falls into two. */
const splitsAt = ({ diagonal, beside }: Tridiagonal, i: number): boolean =>
  Math.abs(beside[i]!) <= Number.EPSILON * (Math.abs(diagonal[i]!) + Math.abs(diagonal[i + 1]!));

/** One QR step on rows low to high: rotations of neighbours push a bulge down and out. */
function qrStep({ diagonal, beside }: Tridiagonal, low: number, high: number): void {
  const half = (diagonal[high - 1]! - diagonal[high]!) / 2;
  const last = beside[high - 1]!;
  const shift = last ** 2 / (half + (half < 0 ? -1 : 1) * Math.hypot(half, last));
  let x = diagonal[low]! - (diagonal[high]! - shift);
  let bulge = beside[low]!;
  for (let k = low; k < high; k++) {
    const r = Math.hypot(x, bulge);
    const [c, s] = r === 0 ? [1, 0] : [x / r, bulge / r];
    if (k > low) beside[k - 1] = r;
    const [p, q, between] = [diagonal[k]!, diagonal[k + 1]!, beside[k]!];
    diagonal[k] = c * c * p + 2 * c * s * between + s * s * q;
    diagonal[k + 1] = s * s * p - 2 * c * s * between + c * c * q;
    beside[k] = c * s * (q - p) + (c * c - s * s) * between;
    if (k + 1 === high) continue;
    x = beside[k]!;
    bulge = s * beside[k + 1]!;
    beside[k + 1]! *= c;
  }
}

/** A histogram of numbers whose range is not known before, in one pass. */

export interface Histogram {
  count: number;
  /** Null without values. */
  mean: number | null;
  /** Of the population; null without values. */
  deviation: number | null;
  min: number | null;
  max: number | null;
  /** Left edge of the first bin, and the width of all, a power of two. A bin holds its left edge. */
  from: number;
  width: number;
  counts: number[];
}

const MOST_BINS = 32;
/** Bins begin this fine, 2^-30, and pairs of them become one whenever they are too many. */
const FINEST = 30;

/**
 * Bins are multiples of a power of two, so that two neighbours make one of the next width: the result depends on the
 * values alone, not on their order. 16 to 32 bins, fewer where values are few or nearly equal.
 */
export function histogram() {
  let exponent = -FINEST;
  let bins = new Map<number, number>();
  let [count, mean, squares, min, max] = [0, 0, 0, Infinity, -Infinity];
  const binOf = (x: number) => Math.floor(x / 2 ** exponent);
  return {
    add(x: number): void {
      count++;
      const before = x - mean;
      mean += before / count;
      squares += before * (x - mean);
      min = Math.min(min, x);
      max = Math.max(max, x);
      while (binOf(max) - binOf(min) >= MOST_BINS) {
        exponent++;
        const merged = new Map<number, number>();
        for (const [bin, n] of bins) {
          const into = Math.floor(bin / 2);
          merged.set(into, (merged.get(into) ?? 0) + n);
        }
        bins = merged;
      }
      bins.set(binOf(x), (bins.get(binOf(x)) ?? 0) + 1);
    },
    result(): Histogram {
      const width = 2 ** exponent;
      if (count === 0)
        return { count, mean: null, deviation: null, min: null, max: null, from: 0, width, counts: [] };
      const first = binOf(min);
      const counts = Array.from({ length: binOf(max) - first + 1 }, (_, i) => bins.get(first + i) ?? 0);
      return {
        count,
        mean,
        deviation: Math.sqrt(squares / count),
        min,
        max,
        from: first * width,
        width,
        counts,
      };
    },
  };
}

/** Paired comparison of two models: the mean difference, its bootstrap interval, and who wins how often. */
import { DiptychError } from '../errors.ts';
import { mean } from '../mean.ts';
import { createRandom } from '../random.ts';

export interface Comparison {
  base: number;
  tuned: number;
  /** Mean of tuned - base over the annotations. */
  difference: number;
  /** Percentile bootstrap over annotations, 95%. */
  interval95: [low: number, high: number];
  /** Share of annotations on which the tuned model is better; ties count half. */
  winRate: number;
  /** Annotations compared. */
  count: number;
}

const RESAMPLES = 5000;

/**
 * Values of the same annotations in the same order under both models, one mean per annotation (several samples
 * of one annotation are not independent). Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13.
 * Throws DIPTYCH_INVALID_INPUT without annotations, or when a value has no partner.
 */
export function compare(base: readonly number[], tuned: readonly number[], seed: number): Comparison {
  const count = base.length;
  if (count === 0 || tuned.length !== count) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `can't compare ${count} values of the base model with ${tuned.length} of the tuned one`,
    );
  }
  const differences = base.map((value, i) => tuned[i]! - value);
  const random = createRandom(seed);
  const means = Float64Array.from({ length: RESAMPLES }, () => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += differences[random.int(count)]!;
    return sum / count;
  }).sort();
  const wins = differences.reduce((sum, d) => sum + (d > 0 ? 1 : d === 0 ? 0.5 : 0), 0);
  return {
    base: mean(base),
    tuned: mean(tuned),
    difference: mean(differences),
    interval95: [quantile(means, 0.025), quantile(means, 0.975)],
    winRate: wins / count,
    count,
  };
}

/** Linear interpolation between the sorted values (type 7). */
function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (at - low) * (sorted[high]! - sorted[low]!);
}

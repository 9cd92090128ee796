/** The reward and every metric of images that two models made of the same annotations with equal seeds. */
import { hashSeed } from '../random.ts';
import { type Comparison, compare } from './bootstrap.ts';

export interface MeasuredImage {
  reward: number | null;
  scores: Readonly<Record<string, number>>;
}

/** An annotation's images of one slot. */
export interface Matched {
  imgId: string;
  base: MeasuredImage;
  tuned: MeasuredImage;
}

/** Null where it was not measured. */
export const measured = ({ reward, scores }: MeasuredImage, name: string): number | null =>
  name === 'reward' ? reward : (scores[name] ?? null);

/** The reward first, then the metrics of the base's images by name. */
export const comparedNames = (matches: readonly Matched[]): string[] => [
  'reward',
  ...[...new Set(matches.flatMap(({ base }) => Object.keys(base.scores)))].sort(),
];

/**
 * Over the images that have it under both models, one mean per annotation; null where there are none. `seed`: of the
 * run, so that its report and who looks at it later name the same interval.
 */
export function compareMetric(matches: readonly Matched[], name: string, seed: number): Comparison | null {
  const sums = new Map<string, { base: number; tuned: number; count: number }>();
  for (const { imgId, ...sides } of matches) {
    const [base, tuned] = [measured(sides.base, name), measured(sides.tuned, name)];
    if (base === null || tuned === null) continue;
    const sum = sums.get(imgId) ?? { base: 0, tuned: 0, count: 0 };
    sums.set(imgId, { base: sum.base + base, tuned: sum.tuned + tuned, count: sum.count + 1 });
  }
  if (sums.size === 0) return null;
  const means = (side: 'base' | 'tuned') => [...sums.values()].map((sum) => sum[side] / sum.count);
  return compare(means('base'), means('tuned'), hashSeed('bootstrap', seed, name));
}

/** All of them by name; those that no image has under both models are left out. */
export function compareMetrics(matches: readonly Matched[], seed: number): Record<string, Comparison> {
  return Object.fromEntries(
    comparedNames(matches).flatMap((name) => {
      const comparison = compareMetric(matches, name, seed);
      return comparison ? [[name, comparison]] : [];
    }),
  );
}

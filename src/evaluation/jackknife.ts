/** How sure a number is that only all annotations together have, such as a distance between sets of images. */
import { mean } from '../mean.ts';
import type { Comparison } from './bootstrap.ts';

const GROUPS = 10;
/** The 97.5% point of Student's t with GROUPS - 1 degrees of freedom. */
const T = 2.262157;

/**
 * 95% interval of `whole`, a statistic of the annotations: each of ten groups of them is left out in turn, and the ten values
 * `without` it tell the spread (delete-a-group jackknife: Efron and Tibshirani, An Introduction to the Bootstrap, chapter 11,
 * with groups in place of single points). No annotation is taken twice, as a bootstrap would: copies make a set's
 * covariance smaller and so a Frechet distance larger. Null of fewer than ten annotations.
 */
export async function jackknifeInterval(
  annotations: Iterable<string>,
  whole: number,
  without: (kept: (annotation: string) => boolean) => Promise<number>,
): Promise<Comparison['interval95'] | null> {
  const groupOf = new Map([...new Set(annotations)].map((annotation, i) => [annotation, i % GROUPS]));
  if (groupOf.size < GROUPS) return null;
  const values: number[] = [];
  for (let left = 0; left < GROUPS; left++) {
    values.push(await without((annotation) => groupOf.get(annotation) !== left));
  }
  const middle = mean(values);
  const squares = values.reduce((sum, x) => sum + (x - middle) ** 2, 0);
  const half = T * Math.sqrt(((GROUPS - 1) / GROUPS) * squares);
  return [whole - half, whole + half];
}

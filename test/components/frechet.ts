/** Frechet distance: means, covariances, and the distance of different, equal and too few vectors. */
import { type FeatureStatistics, featureStatistics, frechetDistance } from '../../src/evaluation/frechet.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';

/** What the case's notes promise of a distance whose covariance is singular. */
const SINGULAR_TOLERANCE = 1e-3;

async function frechet(golden: GoldenCase): Promise<void> {
  const of = (name: string): FeatureStatistics => {
    const { data, shape } = golden.input[name]!;
    const width = shape[1]!;
    return featureStatistics(
      Array.from({ length: shape[0]! }, (_, i) => data.subarray(i * width, (i + 1) * width)),
    );
  };
  const [a, b, few] = [of('a'), of('b'), of('few')];
  for (const [name, { mean, covariance }] of Object.entries({ a, b })) {
    golden.check(`mean_${name}`, mean);
    golden.check(`cov_${name}`, covariance);
  }
  golden.check('distance', [frechetDistance(a, b)]);
  golden.check('distance_aa', [frechetDistance(a, a)]);
  const want = golden.output.distance_few!.data[0]!;
  for (const got of [frechetDistance(few, a), frechetDistance(a, few)]) {
    const off = Math.abs(got - want) / Math.max(1, Math.abs(want));
    golden.exact(`distance_few ${got} against ${want}`, off <= SINGULAR_TOLERANCE, true);
  }
}

export const components: Record<string, ComponentCheck> = { 'Frechet distance': frechet };

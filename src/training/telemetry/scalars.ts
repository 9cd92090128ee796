/** The numbers of a telemetry entry by name: the curves of the API and of TensorBoard. */
import type { StepTelemetry } from './telemetry.ts';
import type { TimestepBucket } from './timestep-buckets.ts';

const NO_CURVE = new Set(['step', 'at', 'buckets', 'from', 'rows']);

/** Numbers that are not finite are left out (JSON keeps them as null). Buckets are `timestep-FROM/NAME`. */
export function scalarsOf(entry: StepTelemetry): [name: string, value: number][] {
  const scalars: [string, number][] = [];
  eachScalar(entry, (name, value) => scalars.push([name, value]));
  for (const bucket of bucketsOf(entry))
    eachScalar(bucket, (name, value) => scalars.push([`${bucketName(bucket)}/${name}`, value]));
  return scalars;
}

/** Those of an entry less its buckets', or those of a bucket. */
export function eachScalar(
  numbers: StepTelemetry | TimestepBucket,
  take: (name: string, value: number) => void,
): void {
  for (const name in numbers) {
    const value = (numbers as object as Record<string, number>)[name]!;
    if (Number.isFinite(value) && !NO_CURVE.has(name)) take(name, value);
  }
}

/** Steps on images that the policy drew have none, nor have files of version 0.1.0. */
export const bucketsOf = (entry: StepTelemetry): readonly TimestepBucket[] =>
  ('buckets' in entry && entry.buckets) || [];

export const bucketName = ({ from }: Pick<TimestepBucket, 'from'>) => `timestep-${from}`;

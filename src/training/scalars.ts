/** The numbers of a telemetry entry by name: the curves of the API and of TensorBoard. */
import type { StepTelemetry } from './telemetry.ts';

const NO_CURVE = new Set(['step', 'at']);

/**
 * Numbers that are not finite are left out (JSON keeps them as null). Buckets are `timestep-FROM/NAME`; files of
 * version 0.1.0 have none.
 */
export function scalarsOf(entryOfStep: StepTelemetry): [name: string, value: number][] {
  const { buckets = [], ...entry } = { buckets: undefined, ...entryOfStep };
  const ofBuckets = buckets.flatMap(({ from, rows: _, ...means }) =>
    Object.entries(means).map(([name, value]): [string, number] => [`timestep-${from}/${name}`, value]),
  );
  return [...Object.entries(entry).filter(([name]) => !NO_CURVE.has(name)), ...ofBuckets].filter(
    ([, value]) => Number.isFinite(value),
  );
}

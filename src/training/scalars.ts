/** The numbers of a telemetry entry by name: the curves of the API and of TensorBoard. */
import type { StepTelemetry } from './telemetry.ts';

const NO_CURVE = new Set(['step', 'at', 'buckets']);

/**
 * Numbers that are not finite are left out (JSON keeps them as null). Buckets are `timestep-FROM/NAME`; files of
 * version 0.1.0 have none.
 */
export function scalarsOf(entry: StepTelemetry): [name: string, value: number][] {
  const scalars: [string, number][] = [];
  const add = (name: string, value: number) => Number.isFinite(value) && scalars.push([name, value]);
  for (const [name, value] of Object.entries(entry)) if (!NO_CURVE.has(name)) add(name, value);
  if (!('buckets' in entry)) return scalars;
  for (const { from, rows: _, ...means } of entry.buckets)
    for (const [name, value] of Object.entries(means)) add(`timestep-${from}/${name}`, value);
  return scalars;
}

/**
 * Curves of a run's telemetry with few enough points to draw. A curve is cut into equal spans, and of each the least
 * and the greatest value are kept, so that a spike of one step stays to be seen among 100,000. Spans double whenever
 * there are too many, so the file is read once and memory depends on the number of points alone.
 */
import { type Alarm, alarmWatch } from './alarms.ts';
import { telemetryFile } from './run-telemetry.ts';
import { scalarsOf } from './scalars.ts';
import { readTelemetry } from './telemetry.ts';
import { rewardWatch } from './validation-alarm.ts';
import { bestStep, type ValidationEntry, validationScalars } from './validation-entry.ts';
import { readValidation } from './validation-files.ts';

export interface Curve {
  /** Rising; a value for each. */
  steps: number[];
  values: number[];
}

export interface Curves {
  /** The last step that is in the file; 0: none yet. */
  lastStep: number;
  /** By the names of scalars.ts and validation-entry.ts. */
  curves: Record<string, Curve>;
  alarms: Alarm[];
  /** Of the measured steps after 0; null: none yet. */
  bestStep: number | null;
}

/** `maxPoints`: most points of each curve, at least 2. */
export async function readCurves(runFolder: string, maxPoints: number): Promise<Curves> {
  const samplers = new Map<string, CurveSampler>();
  function add(step: number, scalars: readonly (readonly [name: string, value: number])[]): void {
    for (const [name, value] of scalars) {
      const sampler = samplers.get(name) ?? curveSampler(maxPoints);
      samplers.set(name, sampler);
      sampler.add(step, value);
    }
  }
  const alarms: Alarm[] = [];
  const watch = alarmWatch();
  let lastStep = 0;
  for await (const entry of readTelemetry(telemetryFile(runFolder))) {
    lastStep = entry.step;
    alarms.push(...watch(entry));
    add(entry.step, scalarsOf(entry));
  }
  const measured: ValidationEntry[] = [];
  const watchReward = rewardWatch();
  for await (const entry of readValidation(runFolder)) {
    measured.push(entry);
    alarms.push(...watchReward(entry));
    add(entry.step, validationScalars(entry));
  }
  const curves = Object.fromEntries([...samplers].map(([name, sampler]) => [name, sampler.curve()]));
  return {
    lastStep,
    curves,
    alarms: alarms.sort((a, b) => a.step - b.step),
    bestStep: bestStep(measured),
  };
}

export interface CurveSampler {
  /** Steps come in rising order. */
  add(step: number, value: number): void;
  /** All points while they are few enough; else the extremes of every span. */
  curve(): Curve;
}

interface Point {
  step: number;
  value: number;
}

interface Span {
  least: Point;
  greatest: Point;
}

export function curveSampler(maxPoints: number): CurveSampler {
  /** Points that a span holds; the last span may still be filling. */
  let width = 1;
  let inLast = 1;
  let spans: Span[] = [];

  function add(step: number, value: number): void {
    const point = { step, value };
    if (spans.length > 0 && inLast < width) {
      spans.push(joined(spans.pop()!, { least: point, greatest: point }));
      inLast++;
      return;
    }
    spans.push({ least: point, greatest: point });
    inLast = 1;
    // A span of one point is one point, any other up to two.
    while (spans.length > (width === 1 ? maxPoints : maxPoints / 2)) {
      if (spans.length % 2 === 0) inLast += width;
      spans = Array.from({ length: Math.ceil(spans.length / 2) }, (_, i) => {
        const [first, second] = spans.slice(2 * i, 2 * i + 2);
        return second ? joined(first!, second) : first!;
      });
      width *= 2;
    }
  }

  return {
    add,
    curve() {
      const points = spans.flatMap(({ least, greatest }) =>
        least === greatest ? [least] : least.step < greatest.step ? [least, greatest] : [greatest, least],
      );
      return { steps: points.map(({ step }) => step), values: points.map(({ value }) => value) };
    },
  };
}

const joined = (a: Span, b: Span): Span => ({
  least: b.least.value < a.least.value ? b.least : a.least,
  greatest: b.greatest.value > a.greatest.value ? b.greatest : a.greatest,
});

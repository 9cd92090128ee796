/**
 * Curves of a run's telemetry with few enough points to draw. A curve is cut into equal spans, and of each the least
 * and the greatest value are kept, so that a spike of one step stays to be seen among 100,000. Spans double whenever
 * there are too many, so the file is read once and memory depends on the number of points alone.
 */

import { type Alarm, alarmWatch } from './telemetry/alarms.ts';
import { followLines } from './telemetry/lines.ts';
import { telemetryFile } from './telemetry/run-telemetry.ts';
import { bucketName, bucketsOf, eachScalar } from './telemetry/scalars.ts';
import { parseEntry, withoutBuckets } from './telemetry/telemetry.ts';
import { rewardWatch } from './validation/validation-alarm.ts';
import { bestStep, type ValidationEntry, validationScalars } from './validation/validation-entry.ts';
import { validationFile } from './validation/validation-files.ts';

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

export interface CurveOptions {
  /** Most points of each curve, at least 2. */
  maxPoints: number;
  /** With the curves of single timestep ranges: most of all there are, and most of the time that reading takes. */
  buckets: boolean;
}

/**
 * The way to ask for a run's curves again and again: a call reads what was added since the one before, and calls that
 * come meanwhile share its reading.
 */
export function curveReader(runFolder: string, options: CurveOptions): () => Promise<Curves> {
  let ofSteps = stepCurves(options);
  let measured = measuredCurves(options);
  const followSteps = followLines(telemetryFile(runFolder), () => {
    ofSteps = stepCurves(options);
    return ofSteps.add;
  });
  const followMeasured = followLines(validationFile(runFolder), () => {
    measured = measuredCurves(options);
    return measured.add;
  });
  async function read(): Promise<Curves> {
    await followSteps();
    await followMeasured();
    return {
      lastStep: ofSteps.lastStep(),
      curves: { ...ofSteps.curves(), ...measured.curves() },
      alarms: [...ofSteps.alarms, ...measured.alarms].sort((a, b) => a.step - b.step),
      bestStep: bestStep(measured.entries),
    };
  }
  let reading: Promise<Curves> | null = null;
  return () => {
    reading ??= read().finally(() => {
      reading = null;
    });
    return reading;
  };
}

function stepCurves({ maxPoints, buckets }: CurveOptions) {
  const own = namedCurves(maxPoints);
  /** By the first timestep of each. */
  const ofBuckets = new Map<number, NamedCurves>();
  const alarms: Alarm[] = [];
  const watch = alarmWatch();
  let lastStep = 0;
  return {
    alarms,
    lastStep: () => lastStep,
    add(line: string): void {
      const entry = parseEntry(buckets ? line : withoutBuckets(line));
      if (!entry) return;
      lastStep = entry.step;
      alarms.push(...watch(entry));
      eachScalar(entry, (name, value) => own.add(name, lastStep, value));
      for (const bucket of bucketsOf(entry)) {
        const curves = known(ofBuckets, bucket.from, () => namedCurves(maxPoints));
        eachScalar(bucket, (name, value) => curves.add(name, lastStep, value));
      }
    },
    curves: (): Record<string, Curve> =>
      Object.assign(
        own.curves(),
        ...[...ofBuckets].map(([from, { curves }]) => curves(`${bucketName({ from })}/`)),
      ),
  };
}

function measuredCurves({ maxPoints }: CurveOptions) {
  const { add, curves } = namedCurves(maxPoints);
  const entries: ValidationEntry[] = [];
  const alarms: Alarm[] = [];
  const watch = rewardWatch();
  return {
    alarms,
    entries,
    curves,
    add(line: string): void {
      const entry = parseEntry<ValidationEntry>(line);
      if (!entry) return;
      entries.push(entry);
      alarms.push(...watch(entry));
      for (const [name, value] of validationScalars(entry)) add(name, entry.step, value);
    },
  };
}

type NamedCurves = ReturnType<typeof namedCurves>;

function namedCurves(maxPoints: number) {
  const samplers = new Map<string, CurveSampler>();
  return {
    add: (name: string, step: number, value: number) =>
      known(samplers, name, () => curveSampler(maxPoints)).add(step, value),
    curves: (prefix = ''): Record<string, Curve> =>
      Object.fromEntries([...samplers].map(([name, sampler]) => [prefix + name, sampler.curve()])),
  };
}

function known<Key, Value>(all: Map<Key, Value>, key: Key, make: () => Value): Value {
  const there = all.get(key);
  if (there !== undefined) return there;
  const made = make();
  all.set(key, made);
  return made;
}

export interface CurveSampler {
  /** Steps come in rising order. */
  add(step: number, value: number): void;
  /** All points while they are few enough; else the extremes of every span. */
  curve(): Curve;
}

/** Points with the least and the greatest value of some neighbours: of equals the first. */
interface Span {
  leastStep: number;
  least: number;
  greatestStep: number;
  greatest: number;
}

export function curveSampler(maxPoints: number): CurveSampler {
  /** Points that a span holds; the last span may still be filling. */
  let width = 1;
  let inLast = 1;
  let spans: Span[] = [];

  function add(step: number, value: number): void {
    const last = spans.at(-1);
    if (last && inLast < width) {
      inLast++;
      if (value < last.least) [last.leastStep, last.least] = [step, value];
      if (value > last.greatest) [last.greatestStep, last.greatest] = [step, value];
      return;
    }
    spans.push({ leastStep: step, least: value, greatestStep: step, greatest: value });
    inLast = 1;
    // A span of one point is one point, any other up to two.
    while (spans.length > (width === 1 ? maxPoints : maxPoints / 2)) {
      if (spans.length % 2 === 0) inLast += width;
      spans = Array.from({ length: Math.ceil(spans.length / 2) }, (_, i) =>
        joined(spans[2 * i]!, spans[2 * i + 1]),
      );
      width *= 2;
    }
  }

  return {
    add,
    curve() {
      const curve: Curve = { steps: [], values: [] };
      const push = (step: number, value: number) => {
        curve.steps.push(step);
        curve.values.push(value);
      };
      for (const { leastStep, least, greatestStep, greatest } of spans) {
        if (leastStep <= greatestStep) push(leastStep, least);
        if (leastStep !== greatestStep) push(greatestStep, greatest);
        if (leastStep > greatestStep) push(leastStep, least);
      }
      return curve;
    },
  };
}

function joined(a: Span, b: Span | undefined): Span {
  if (!b) return a;
  const [low, high] = [b.least < a.least ? b : a, b.greatest > a.greatest ? b : a];
  return {
    ...{ leastStep: low.leastStep, least: low.least },
    ...{ greatestStep: high.greatestStep, greatest: high.greatest },
  };
}

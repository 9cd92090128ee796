/** Metrics over optimizer steps, as in the paper's Figure 3, each step against the base on the same scenes. */
import { type Comparison, compare } from './bootstrap.ts';

/** Images of the same scenes in the same order at every step; the first step is the base's. */
export interface MeasuredStep {
  step: number;
  images: readonly { reward: number | null; metrics: Readonly<Record<string, number>> }[];
}

export interface ValidationCurve {
  /** "reward", or a metric's name. */
  name: string;
  /** Rising in steps; `tuned` is the model at the step. */
  points: (Comparison & { step: number })[];
}

/** A curve per number that some scene has at step 0; points are over the scenes that have it at both. */
export function validationCurves(steps: readonly MeasuredStep[], seed: number): ValidationCurve[] {
  const [base] = steps;
  if (!base) return [];
  const names = ['reward', ...new Set(base.images.flatMap(({ metrics }) => Object.keys(metrics)))];
  const valuesOf = (name: string, { images }: MeasuredStep) =>
    images.map(({ reward, metrics }) => (name === 'reward' ? reward : (metrics[name] ?? null)));
  return names.map((name) => {
    const before = valuesOf(name, base);
    const points = steps.flatMap((entry) => {
      const pairs = valuesOf(name, entry).flatMap((value, i) =>
        value === null || before[i] === null ? [] : [[before[i]!, value] as const],
      );
      if (pairs.length === 0) return [];
      const [bases, values] = [pairs.map(([b]) => b), pairs.map(([, v]) => v)];
      return [{ step: entry.step, ...compare(bases, values, seed) }];
    });
    return { name, points };
  });
}

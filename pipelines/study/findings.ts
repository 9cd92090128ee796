/** Results as numbers to report: an arm against the base, over all seeds and of each. */
import { type Comparison, compare } from '../../src/evaluation/bootstrap.ts';
import { mean } from '../../src/mean.ts';
import { hashSeed } from '../../src/random.ts';
import type { ResultLine } from './results.ts';

export interface Finding {
  arm: string;
  lines: readonly ResultLine[];
  /** By metric; each annotation's mean over the seeds is one value. */
  metrics: Record<string, Comparison>;
  /** Mean difference of the reward, seed by seed. */
  bySeed: { seed: number; difference: number }[];
  diversity: number;
  /** Mean reward of the quick measurement over steps, the base's first. */
  curve: { step: number; reward: number }[];
}

/** Metrics that are reported, in their order. */
export const REPORTED = ['reward', 'dpg', 't2i-3in1', 'clip-score', 'pickscore', 'exact'] as const;

/** Each scene's mean, of the scenes' values by seed. */
export const meanOverSeeds = (seeds: readonly number[][]): number[] =>
  seeds[0]!.map((_, i) => mean(seeds.map((values) => values[i]!)));

/** Of an arm that is measured for every seed that the base is; undefined before. */
export function findingOf(
  arm: string,
  lines: readonly ResultLine[],
  bases: readonly ResultLine[],
): Finding | undefined {
  const paired = bases.flatMap((base) => {
    const line = lines.find(({ cell }) => cell.seed === base.cell.seed);
    return line ? [{ line, base }] : [];
  });
  if (paired.length === 0 || paired.length < bases.length) return undefined;
  const meanOver = (side: 'line' | 'base', name: string) =>
    meanOverSeeds(paired.map((pair) => pair[side].result.measured[name]!));
  const metrics = Object.fromEntries(
    REPORTED.map((name) => [
      name,
      compare(meanOver('base', name), meanOver('line', name), hashSeed('study-interval', name)),
    ]),
  );
  const reward = ({ result }: ResultLine) => mean(result.measured.reward!);
  const steps = paired[0]!.line.result.curve.map(({ step }) => step);
  return {
    ...{ arm, lines: paired.map(({ line }) => line), metrics },
    bySeed: paired.map(({ line, base }) => ({
      seed: line.cell.seed,
      difference: reward(line) - reward(base),
    })),
    diversity: mean(paired.map(({ line }) => line.result.diversity!)),
    curve: [
      { step: 0, reward: mean(paired.map(({ base }) => base.result.curve[0]!.reward)) },
      ...steps.map((step, i) => ({
        step,
        reward: mean(paired.map(({ line }) => line.result.curve[i]!.reward)),
      })),
    ],
  };
}

/** Optimizer steps at which a curve first reaches a reward, between its points on a straight line; null: it does not. */
export function stepsTo(curve: Finding['curve'], reward: number): number | null {
  for (const [i, { step, reward: there }] of curve.entries()) {
    if (there < reward) continue;
    const before = curve[i - 1];
    if (!before) return step;
    return before.step + ((step - before.step) * (reward - before.reward)) / (there - before.reward);
  }
  return null;
}

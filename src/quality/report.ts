/** The quality report of a set of scored, rewarded candidates: its parts put together, an annotation at a time. */
import type { Annotation } from '../annotations/annotation.ts';
import { type Agreement, metricAgreement } from './agreement.ts';
import { type COVERED, type Coverage, coverage } from './coverage.ts';
import { type Histogram, histogram } from './histogram.ts';
import type { Repeat } from './repeats.ts';

/** Why two candidates that the pairing policy compares make no pair. */
export const LEFT_OUT = ['tie', 'dominance', 'size'] as const;
export type LeftOut = (typeof LEFT_OUT)[number];

export interface QualityEntry {
  body: Annotation;
  candidates: readonly {
    scores: Readonly<Record<string, number>>;
    reward: number | null;
    /** The earlier candidate whose image it repeats. */
    repeat: Repeat | null;
  }[];
  /** Two candidates at a time, as the pairing policy compares them. `margin`: how far their rewards are apart. */
  comparisons: readonly { margin: number; leftOut: LeftOut | null }[];
}

export interface QualityReport {
  annotations: number;
  /** Those without a single pair. */
  annotationsWithoutPair: number;
  candidates: number;
  /** A metric that the reward weighs is missing. */
  candidatesWithoutReward: number;
  repeats: { exact: number; near: number };
  comparisons: Record<'compared' | 'pairs' | LeftOut, number>;
  /** Of all comparisons, ties too. */
  margins: Histogram;
  rewards: Histogram;
  metrics: Record<string, Histogram>;
  /** Of every two metrics, and of each with the reward. */
  agreement: Agreement[];
  coverage: Record<(typeof COVERED)[number], Coverage>;
}

/** The reward stands among the metrics under this name. */
const REWARD = 'reward';

export function qualityReport() {
  const [rewards, margins] = [histogram(), histogram()];
  const metrics = new Map<string, ReturnType<typeof histogram>>();
  const [agreement, covered] = [metricAgreement(), coverage()];
  const counts = { annotations: 0, annotationsWithoutPair: 0, candidates: 0, candidatesWithoutReward: 0 };
  const repeats = { exact: 0, near: 0 };
  const comparisons = { compared: 0, pairs: 0, tie: 0, dominance: 0, size: 0 };
  return {
    add(entry: QualityEntry): void {
      counts.annotations++;
      for (const { scores, reward, repeat } of entry.candidates) {
        counts.candidates++;
        if (reward === null) counts.candidatesWithoutReward++;
        else rewards.add(reward);
        if (repeat) repeats[repeat.exact ? 'exact' : 'near']++;
        for (const [metric, value] of Object.entries(scores)) {
          const known = metrics.get(metric) ?? histogram();
          known.add(value);
          metrics.set(metric, known);
        }
      }
      agreement.add(
        entry.candidates.map(({ scores, reward }) =>
          reward === null ? scores : { ...scores, [REWARD]: reward },
        ),
      );
      for (const { margin, leftOut } of entry.comparisons) {
        margins.add(margin);
        comparisons.compared++;
        comparisons[leftOut ?? 'pairs']++;
      }
      const paired = entry.comparisons.some(({ leftOut }) => leftOut === null);
      if (!paired) counts.annotationsWithoutPair++;
      covered.add(entry.body, paired);
    },
    result: (): QualityReport => ({
      ...counts,
      repeats,
      comparisons,
      margins: margins.result(),
      rewards: rewards.result(),
      metrics: Object.fromEntries(
        [...metrics].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, values]) => [name, values.result()]),
      ),
      agreement: agreement.result(),
      coverage: covered.result(),
    }),
  };
}

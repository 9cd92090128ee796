/**
 * One number per candidate out of its raw metrics. Computed where it is needed and never stored as truth.
 *
 * mean       weighted mean of the raw values (paper, equation 17)
 * zmean      weighted mean of z-scores over the set, so that a metric of small spread has its full vote
 * dominance  the mean, with the rule that a pair counts only if the winner is at least as good on every metric
 */
import { DiptychError } from '../errors.ts';

export const REWARD_POLICIES = ['mean', 'zmean', 'dominance'] as const;

export interface RewardSettings {
  policy: (typeof REWARD_POLICIES)[number];
  /** Metric names and their weights; metrics not named have no say. */
  weights: Record<string, number>;
}

/** The paper's two objectives for composition, equally weighted. */
export const DEFAULT_REWARD: RewardSettings = { policy: 'mean', weights: { dpg: 1, 't2i-3in1': 1 } };

/** Metric values of one candidate, by name. */
export type MetricValues = Readonly<Record<string, number>>;
/** Null for a candidate that lacks a metric with a say: it failed there, or the metric says nothing about it. */
export type Reward = (metrics: MetricValues) => number | null;

/**
 * The settings' reward as a function of one candidate's metrics. `set`: all candidates' metrics, read once and
 * not kept, and only by policies that compare with the whole set. Throws DIPTYCH_INVALID_INPUT when the weights
 * are unusable.
 */
export async function createReward(
  { policy, weights }: RewardSettings,
  set: AsyncIterable<MetricValues> | Iterable<MetricValues>,
): Promise<Reward> {
  const names = Object.keys(weights).filter((name) => weights[name] !== 0);
  const total = names.reduce((sum, name) => sum + weights[name]!, 0);
  if (names.length === 0 || !(total > 0)) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `reward weights are ${JSON.stringify(weights)}; their sum must be above 0`,
    );
  }
  const scales = new Map(names.map((name) => [name, { mean: 0, deviation: 1 }]));
  if (policy === 'zmean') {
    const spreads = names.map(() => runningSpread());
    for await (const metrics of set) {
      for (const [i, name] of names.entries()) {
        if (metrics[name] !== undefined) spreads[i]!.add(metrics[name]);
      }
    }
    for (const [i, name] of names.entries()) scales.set(name, spreads[i]!.result());
  }
  return (metrics) => {
    let sum = 0;
    for (const name of names) {
      const value = metrics[name];
      if (value === undefined) return null;
      const { mean, deviation } = scales.get(name)!;
      sum += (weights[name]! * (value - mean)) / deviation;
    }
    return sum / total;
  };
}

/** Mean and population deviation in one pass (Welford); a constant gets deviation 1, so it adds nothing. */
function runningSpread() {
  let [count, mean, squares] = [0, 0, 0];
  return {
    add(x: number) {
      count++;
      const before = x - mean;
      mean += before / count;
      squares += before * (x - mean);
    },
    result: () => ({ mean, deviation: squares > 0 ? Math.sqrt(squares / count) : 1 }),
  };
}

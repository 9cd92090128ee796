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

/** Where a metric's values lie over a set, by metric: what each is measured in before it is weighed. */
export type RewardScales = Readonly<Record<string, { mean: number; deviation: number }>>;

/**
 * The settings' reward as a function of one candidate's metrics. `set`: all candidates' metrics, read once and
 * not kept, and only by policies that compare with the whole set. Throws DIPTYCH_INVALID_INPUT when the weights
 * are unusable.
 */
export async function createReward(
  settings: RewardSettings,
  set: AsyncIterable<MetricValues> | Iterable<MetricValues>,
): Promise<Reward> {
  return rewardOn(settings, await rewardScales(settings, set));
}

/** What of `set` the reward depends on, as plain data; its errors are createReward's. */
export async function rewardScales(
  settings: RewardSettings,
  set: AsyncIterable<MetricValues> | Iterable<MetricValues>,
): Promise<RewardScales> {
  const names = weighed(settings);
  if (settings.policy !== 'zmean')
    return Object.fromEntries(names.map((name) => [name, { mean: 0, deviation: 1 }]));
  const spreads = names.map((name) => ({ name, spread: runningSpread() }));
  for await (const metrics of set) {
    for (const { name, spread } of spreads) {
      if (metrics[name] !== undefined) spread.add(metrics[name]);
    }
  }
  return Object.fromEntries(spreads.map(({ name, spread }) => [name, spread.result()]));
}

/** The reward on scales that are known. */
export function rewardOn(settings: RewardSettings, scales: RewardScales): Reward {
  const names = weighed(settings);
  const { weights } = settings;
  const total = names.reduce((sum, name) => sum + weights[name]!, 0);
  return (metrics) => {
    let sum = 0;
    for (const name of names) {
      const value = metrics[name];
      if (value === undefined) return null;
      const { mean, deviation } = scales[name]!;
      sum += (weights[name]! * (value - mean)) / deviation;
    }
    return sum / total;
  };
}

/** Metrics with a say. */
function weighed({ weights }: RewardSettings): string[] {
  const names = Object.keys(weights).filter((name) => weights[name] !== 0);
  if (!(names.reduce((sum, name) => sum + weights[name]!, 0) > 0)) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `reward weights are ${JSON.stringify(weights)}; their sum must be above 0`,
    );
  }
  return names;
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

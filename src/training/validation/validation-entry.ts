/** What a measurement of the policy on the validation scenes is, and what follows from all of a run's. */
import { mean } from '../../mean.ts';

/** The policy's image of a scene, judged. */
export interface ValidationImage {
  id: string;
  /** Null where a metric with a say is missing. */
  reward: number | null;
  metrics: Readonly<Record<string, number>>;
}

export interface ValidationEntry {
  /** Optimizer steps taken; 0: the base. */
  step: number;
  /** When it ended, in Unix seconds. */
  at: number;
  /** That it took to draw and judge. */
  seconds: number;
  /** Mean training loss over the steps since the measurement before; null at step 0. */
  loss: number | null;
  /** In the same order in every entry. */
  images: ValidationImage[];
}

/** Mean reward and metrics by the names of the curves, each over the images that have it. */
export function validationScalars({ images }: ValidationEntry): [name: string, value: number][] {
  const names = new Set(images.flatMap(({ metrics }) => Object.keys(metrics)));
  return [
    ['validation/reward', meanReward(images)],
    ...[...names].map((name): [string, number] => [
      `validation/${name}`,
      mean(images.flatMap(({ metrics }) => metrics[name] ?? [])),
    ]),
  ];
}

/** NaN when no image has one. */
export const meanReward = (images: readonly ValidationImage[]) =>
  mean(images.flatMap(({ reward }) => reward ?? []));

/** Differences of reward to an earlier measurement, of the scenes that have one in both. */
export function rewardGains(base: ValidationEntry, entry: ValidationEntry): number[] {
  return entry.images.flatMap(({ reward }, i) => {
    const before = base.images[i]!.reward;
    return reward === null || before === null ? [] : [reward - before];
  });
}

/**
 * The step after which the images gained most on the base's, the first of equals; null when none was measured yet.
 * By differences and not by means, so that a scene that could once not be judged favours no step.
 */
export function bestStep(entries: readonly ValidationEntry[]): number | null {
  const [base, ...trained] = entries;
  let best: { step: number; gain: number } | null = null;
  for (const entry of trained) {
    const gain = mean(rewardGains(base!, entry));
    if (gain > (best?.gain ?? Number.NEGATIVE_INFINITY)) best = { step: entry.step, gain };
  }
  return best?.step ?? null;
}

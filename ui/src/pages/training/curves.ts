/** Curves of several runs made ready to be drawn together. Pure. */
import type { Telemetry } from '../../api/client.ts';

export interface RunCurves {
  id: string;
  name: string;
  telemetry: Telemetry;
}

/** What a curve's name means to who watches a training (docs/training.md); these come first, in this order. */
export const ABOUT: Readonly<Record<string, string>> = {
  loss: 'Wavers below ln 2 = 0.693 when it goes well; spikes far above when steps are too large',
  accuracy: 'Share of pairs that the model orders rightly: should rise above 0.5',
  reward: 'Mean reward of the images that the policy drew itself',
  'validation/reward': 'Mean reward of the measured scenes',
  margin: 'Winner error less loser error: below 0 where the model prefers the winners',
  winnerError:
    'How much further than the reference from the winner; past 0.01 together with the loser is drift',
  loserError: 'How much further than the reference from the loser: should be the larger of the two',
  gradNorm: 'Length of the gradient before clipping',
};

/** Whether a curve is of a range of timesteps alone. */
export const isOfTimesteps = (name: string) => name.startsWith('timestep-');

/** Names of all curves, the telling ones first, then measured metrics, then the rest. */
export function curveNames(runs: readonly RunCurves[]): { main: string[]; rest: string[] } {
  const all = [...new Set(runs.flatMap(({ telemetry }) => Object.keys(telemetry.curves)))];
  const main = [
    ...Object.keys(ABOUT).filter((name) => all.includes(name)),
    ...all.filter((name) => name.startsWith('validation/') && !(name in ABOUT)).sort(),
  ];
  return { main, rest: all.filter((name) => !main.includes(name)).sort() };
}

/**
 * One x axis for all, as uPlot wants it: steps, then each run's values, null where it has none there. `smoothing`,
 * 0 to below 1, is the weight of what came before in a running mean.
 */
export function aligned(
  runs: readonly RunCurves[],
  name: string,
  smoothing: number,
): [number[], ...(number | null)[][]] {
  const steps = [...new Set(runs.flatMap(({ telemetry }) => telemetry.curves[name]?.steps ?? []))].sort(
    (a, b) => a - b,
  );
  const place = new Map(steps.map((step, i) => [step, i]));
  const columns = runs.map(({ telemetry }) => {
    const column = new Array<number | null>(steps.length).fill(null);
    const curve = telemetry.curves[name];
    const values = smoothed(curve?.values ?? [], smoothing);
    for (const [i, step] of (curve?.steps ?? []).entries()) column[place.get(step)!] = values[i]!;
    return column;
  });
  return [steps, ...columns];
}

/** A running mean that starts unbiased. */
export function smoothed(values: readonly number[], weight: number): number[] {
  if (weight === 0) return [...values];
  let [sum, total] = [0, 0];
  return values.map((value) => {
    sum = weight * sum + (1 - weight) * value;
    total = weight * total + (1 - weight);
    return sum / total;
  });
}

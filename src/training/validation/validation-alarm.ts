/** Tells when training lowers what it is meant to raise: the reward of the policy's own images. */
import { mean } from '../../mean.ts';
import type { Alarm } from '../telemetry/alarms.ts';
import { rewardGains, type ValidationEntry } from './validation-entry.ts';

/** Of a two-sided 99% interval: a run is looked at many times. */
const DEVIATIONS = 2.576;

/** For a run under way: give it every measurement in order. The alarm is told once until it clears. */
export function rewardWatch(): (entry: ValidationEntry) => Alarm[] {
  let base: ValidationEntry | null = null;
  let firstLoss: number | null = null;
  let on = false;
  return (entry) => {
    base ??= entry;
    firstLoss ??= entry.loss;
    const { mean, error } = meanAndError(rewardGains(base, entry));
    const before = on;
    on = mean + DEVIATIONS * error < 0;
    if (!on || before) return [];
    const improves = entry.loss! < firstLoss!;
    const what = improves
      ? `though the training loss falls (${firstLoss!.toPrecision(3)} to ${entry.loss!.toPrecision(3)}): what the loss ` +
        'asks for is not what the reward measures. Stop at the best step, raise `beta`, or look at what the pairs prefer'
      : `and the training loss (${entry.loss!.toPrecision(3)}) does not fall either. Lower \`learningRate\``;
    const message = `the reward of validation images is below the base's by ${(-mean).toPrecision(3)}, ${what}`;
    return [{ step: entry.step, kind: 'reward-below-base', message }];
  };
}

/** Of one value there is no telling its error: NaN, which no comparison is true of. */
function meanAndError(values: readonly number[]): { mean: number; error: number } {
  const middle = mean(values);
  const squares = values.reduce((sum, x) => sum + (x - middle) ** 2, 0);
  return { mean: middle, error: Math.sqrt(squares / (values.length - 1) / values.length) };
}

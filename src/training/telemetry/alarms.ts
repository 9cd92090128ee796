/** Tells from the curves of a training run when it goes wrong, as docs/training.md describes it. */
import type { LoopTelemetry, PairTelemetry, StepTelemetry } from './telemetry.ts';

/** What the alarms look at: training on pairs. Steps on images that the policy drew itself raise none. */
export type Watched = Pick<
  LoopTelemetry & PairTelemetry,
  'step' | 'loss' | 'accuracy' | 'winnerError' | 'loserError' | 'gradNorm'
>;

const STEP_ALARM_KINDS = ['no-gradient', 'both-sides-drift', 'loss-spike', 'accuracy-stuck'] as const;
/** The last is raised by measurements: validation-alarm.ts. */
export const ALARM_KINDS = [...STEP_ALARM_KINDS, 'reward-below-base'] as const;
export type AlarmKind = (typeof ALARM_KINDS)[number];

export interface Alarm {
  step: number;
  kind: AlarmKind;
  message: string;
}

/** Steps that any rule looks back on. */
const MEMORY = 100;

interface Rule {
  /** What there is to say about the newest of `recent` (oldest first); null: nothing. */
  raise(recent: readonly Watched[]): string | null;
  /** Whether a raised alarm is over, so that it may be raised again. */
  clears(recent: readonly Watched[]): boolean;
}

/** Alarms of a run from its first step on. Each is told once until it clears. */
export function alarmsOf(telemetry: Iterable<Watched | StepTelemetry>): Alarm[] {
  const watch = alarmWatch();
  return [...telemetry].flatMap((entry) => watch(entry));
}

/** The same step by step, for a run under way: give it every entry in order. */
export function alarmWatch(): (entry: Watched | StepTelemetry) => Alarm[] {
  const recent: Watched[] = [];
  const on = new Set<AlarmKind>();
  return (entry) => {
    if (!('winnerError' in entry)) return [];
    recent.push(entry);
    if (recent.length > MEMORY) recent.shift();
    const alarms: Alarm[] = [];
    for (const kind of STEP_ALARM_KINDS) {
      const rule = RULES[kind];
      if (on.has(kind)) {
        if (rule.clears(recent)) on.delete(kind);
        continue;
      }
      const message = rule.raise(recent);
      if (message === null) continue;
      on.add(kind);
      alarms.push({ step: entry.step, kind, message });
    }
    return alarms;
  };
}

/** Float32 of ln 2 and of sums of it. */
const LN2_TOLERANCE = 1e-6;
const withoutGradient = ({ loss, gradNorm }: Watched) =>
  gradNorm === 0 && Math.abs(loss - Math.LN2) < LN2_TOLERANCE;

const noGradient: Rule = {
  raise: (recent) =>
    withoutGradient(recent.at(-1)!)
      ? 'the loss is ln 2 and its gradient exactly zero: policy and reference are equal, and an objective that is ' +
        'quadratic in their difference, such as the published and negated forms of inversion-dpo, has no gradient ' +
        'there. Nothing is learnt; take a form with a target, such as "shared-noise"'
      : null,
  clears: (recent) => !withoutGradient(recent.at(-1)!),
};

/** Errors of either side are means over so many steps: those of one batch waver by as much as they grow. */
const DRIFT_WINDOW = 20;
/** Against a target of variance 1. */
const DRIFT = 1e-2;

const bothSidesDrift: Rule = {
  raise(recent) {
    if (recent.length < 2 * DRIFT_WINDOW) return null;
    const now = meanErrors(recent);
    if (now.some((error) => error < DRIFT)) return null;
    const before = meanErrors(recent.slice(0, -DRIFT_WINDOW));
    if (now.some((error, side) => error <= before[side]!)) return null;
    const [winner, loser] = now.map((error) => error.toPrecision(2));
    return (
      `winner and loser error grow together (${winner} and ${loser} over ${DRIFT_WINDOW} steps): the model moves ` +
      'away from both images. Lower `learningRate` or raise `beta`'
    );
  },
  clears: (recent) => meanErrors(recent).some((error) => error < DRIFT / 2),
};

/** Of the newest steps. */
const meanErrors = (recent: readonly Watched[]) => [
  mean(recent, 'winnerError', DRIFT_WINDOW),
  mean(recent, 'loserError', DRIFT_WINDOW),
];

/** Steps that a spike needs before it, to be told from ordinary wavering. */
const SPIKE_HISTORY = 20;
const SPIKE_FACTOR = 2;
const SPIKE_DEVIATIONS = 8;

const lossSpike: Rule = {
  raise(recent) {
    if (recent.length <= SPIKE_HISTORY || !isSpike(recent)) return null;
    const usual = median(lossesBefore(recent));
    return (
      `the loss jumps to ${recent.at(-1)!.loss.toPrecision(3)} from about ${usual.toPrecision(3)}. One spike does little; ` +
      'if they come again, lower `learningRate` or `maxGradNorm`'
    );
  },
  clears: (recent) => !isSpike(recent),
};

const lossesBefore = (recent: readonly Watched[]) => recent.slice(0, -1).map(({ loss }) => loss);

/** Whether the newest loss is far above those before it: in factors, and in median absolute deviations. */
function isSpike(recent: readonly Watched[]): boolean {
  const before = recent.length - 1;
  const { loss } = recent[before]!;
  // Where most are within the factor, so is the median: seen at once, while to sort takes longer than to read a step.
  let within = 0;
  for (let i = 0; i < before; i++) if (loss <= SPIKE_FACTOR * recent[i]!.loss) within++;
  if (within > before / 2) return false;
  const losses = lossesBefore(recent);
  const middle = median(losses);
  const deviation = median(losses.map((one) => Math.abs(one - middle)));
  return loss > Math.max(SPIKE_FACTOR * middle, middle + SPIKE_DEVIATIONS * deviation);
}

/** Of 16 pairs a step, accuracy by chance over 100 steps has a standard deviation of 0.0125. */
const STUCK = 0.01;

const accuracyStuck: Rule = {
  raise(recent) {
    if (recent.length < MEMORY || withoutGradient(recent.at(-1)!)) return null;
    const accuracy = meanAccuracy(recent);
    if (Math.abs(accuracy - 0.5) > STUCK) return null;
    return (
      `implicit accuracy is ${accuracy.toFixed(3)} over ${MEMORY} steps, no better than chance: what the pairs ` +
      'prefer is not learnt. Raise `learningRate` or `pairsPerStep`, or see whether the rewards tell the images apart'
    );
  },
  clears: (recent) => Math.abs(meanAccuracy(recent) - 0.5) > 2 * STUCK,
};

const meanAccuracy = (recent: readonly Watched[]) => mean(recent, 'accuracy', MEMORY);

const RULES: Record<(typeof STEP_ALARM_KINDS)[number], Rule> = {
  'no-gradient': noGradient,
  'both-sides-drift': bothSidesDrift,
  'loss-spike': lossSpike,
  'accuracy-stuck': accuracyStuck,
};

/** Over the `window` newest, or all where they are fewer. A loop: it runs for every step of a long file. */
function mean(recent: readonly Watched[], of: keyof Watched, window: number): number {
  const from = Math.max(0, recent.length - window);
  let sum = 0;
  for (let i = from; i < recent.length; i++) sum += recent[i]![of];
  return sum / (recent.length - from);
}

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

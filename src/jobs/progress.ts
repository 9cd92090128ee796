/** When will it end? From what the stages have done so far, and how long such stages took before. */
export interface StageProgress {
  status: string;
  total: number;
  fraction: number;
  /** Seconds since the stage started; 0 when it has not. */
  elapsed: number;
  /** As measured when a stage of this name last ended, or the plan's guess. */
  secondsPerUnit: number;
}

/** A running stage's own rate counts once this much of it is done. */
const TRUSTED_FRACTION = 0.05;

/** Seconds until the last stage ends. */
export function estimateSecondsLeft(stages: readonly StageProgress[]): number {
  let sum = 0;
  for (const { status, total, fraction, elapsed, secondsPerUnit } of stages) {
    if (status === 'succeeded') continue;
    if (status === 'running' && fraction > TRUSTED_FRACTION) sum += (elapsed / fraction) * (1 - fraction);
    else sum += secondsPerUnit * total * (1 - fraction);
  }
  return sum;
}

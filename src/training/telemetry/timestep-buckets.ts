/** Telemetry of one step by noise level: the schedule's timesteps in ten equal ranges. */

const BUCKETS = 10;
/** Of a mean; float32 knows no more than about seven, and a long run has millions of them. */
const DIGITS = 6;

export interface TimestepBucket {
  /** Its first timestep. */
  from: number;
  /** Rows of the batch in it; a bucket without any is left out. */
  rows: number;
  /** Means over the rows. `inside` and `accuracy` are those of a row's pair, see PairLoss; the errors its own. */
  inside: number;
  accuracy: number;
  /** Against the reference, as in StepTelemetry. */
  winnerError: number;
  loserError: number;
}

/** One number per row of the batch each. */
export interface RowValues {
  timesteps: readonly number[];
  inside: Float32Array;
  winnerError: Float32Array;
  loserError: Float32Array;
}

/** The share of a pair in the accuracy: 1 where the model orders it rightly, half where it can't tell. */
export const orderedRightly = (inside: number): number => (inside > 0 ? 1 : inside === 0 ? 0.5 : 0);

/** Buckets of a batch, from little noise to much. */
export function timestepBuckets(values: RowValues, trainSteps: number): TimestepBucket[] {
  const { timesteps, inside, winnerError, loserError } = values;
  const bucketOf = (t: number) => Math.floor((BUCKETS * t) / trainSteps);
  return Array.from({ length: BUCKETS }, (_, bucket) => bucket).flatMap((bucket) => {
    const rows = [...timesteps.keys()].filter((row) => bucketOf(timesteps[row]!) === bucket);
    if (rows.length === 0) return [];
    const mean = (of: (row: number) => number) =>
      Number((rows.reduce((sum, row) => sum + of(row), 0) / rows.length).toPrecision(DIGITS));
    return {
      from: Math.ceil((bucket * trainSteps) / BUCKETS),
      rows: rows.length,
      inside: mean((row) => inside[row]!),
      accuracy: mean((row) => orderedRightly(inside[row]!)),
      winnerError: mean((row) => winnerError[row]!),
      loserError: mean((row) => loserError[row]!),
    };
  });
}

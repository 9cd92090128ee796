/** One line of JSON per optimizer step; a resumed run first drops the lines that it will write again. */
import { createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { readLines } from './lines.ts';
import { adderTo } from './own-file.ts';
import type { TimestepBucket } from './timestep-buckets.ts';

/** Of every optimizer step, whatever the objective. */
export interface LoopTelemetry {
  step: number;
  /** When the step ended, in Unix seconds. */
  at: number;
  learningRate: number;
  seconds: number;
  /** Live tensors after the step; a number that grows is a leak. */
  tensors: number;
}

/** What the optimizer says of a step. */
export interface UpdateTelemetry {
  loss: number;
  /** Before clipping. */
  gradNorm: number;
  /** Norm of the change of the parameters. */
  updateNorm: number;
  /** Of the UNet, see evaluations.ts. */
  policyEvaluations: number;
  referenceEvaluations: number;
}

/** Of a step on pairs. */
export interface PairTelemetry extends UpdateTelemetry {
  /** Share of the batch's pairs that the model orders rightly; a pair it can't tell apart counts half. */
  accuracy: number;
  /** Mean square of (prediction - target) on each side; without a target, of (policy - reference). */
  winnerPolicyError: number;
  loserPolicyError: number;
  /** How much further than the reference the model is from each side's target (mean square). */
  winnerError: number;
  loserError: number;
  /** winnerError - loserError. */
  margin: number;
  buckets: TimestepBucket[];
}

/** Of a step on images that the policy drew itself. */
export interface OnPolicyTelemetry extends UpdateTelemetry {
  /** Mean of the round's images that have one: of the policy at the round's start. */
  reward: number;
  /** Share of the batch's ratios outside of the range that the objective clips them to. */
  clipped: number;
  /** As of pairs, of single sampling steps; of objectives that compare two. */
  accuracy?: number;
}

export type StepTelemetry = LoopTelemetry & (PairTelemetry | OnPolicyTelemetry);

/** What every telemetry file has: a step's number, and whatever else was measured. */
interface Step {
  step: number;
}

/** Entries in their order, a chunk of lines in memory at a time; none where there is no file yet. */
export async function* readTelemetry<Entry extends Step = StepTelemetry>(
  file: string,
): AsyncGenerator<Entry> {
  for await (const line of readLines(file)) {
    const entry = parseEntry<Entry>(line);
    if (entry) yield entry;
  }
}

/** Null for a line that a killed process left cut short, with another behind it: its step is in no checkpoint. */
export function parseEntry<Entry extends Step = StepTelemetry>(line: string): Entry | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** An entry's line less what is by far the most of it: each of a hundred thousand is the sooner read. */
export function withoutBuckets(line: string): string {
  const from = line.indexOf(',"buckets":[');
  return from < 0 ? line : line.slice(0, from) + line.slice(line.indexOf(']', from) + 1);
}

/** Cuts the file back to `fromStep` and returns the way to add to it. `onKept` sees what stays, in order. */
export async function openTelemetry<Entry extends Step = StepTelemetry>(
  file: string,
  fromStep: number,
  onKept: (entry: Entry) => void = () => {},
): Promise<(entry: Entry) => void> {
  async function* keptLines(): AsyncGenerator<string> {
    for await (const entry of readTelemetry<Entry>(file)) {
      if (entry.step > fromStep) continue;
      onKept(entry);
      yield lineOf(entry);
    }
  }
  await pipeline(keptLines, createWriteStream(`${file}.tmp`));
  await rename(`${file}.tmp`, file);
  const add = adderTo(file);
  return (entry) => add(lineOf(entry));
}

const lineOf = (entry: Step) => `${JSON.stringify(entry)}\n`;

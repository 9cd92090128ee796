/** One line of JSON per optimizer step; a resumed run first drops the lines that it will write again. */
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

export interface StepTelemetry {
  step: number;
  loss: number;
  /** Share of the batch's pairs that the model orders rightly; a pair it can't tell apart counts half. */
  accuracy: number;
  /** How much further than the reference the model is from each side's target (mean square). */
  winnerError: number;
  loserError: number;
  /** Before clipping. */
  gradNorm: number;
  learningRate: number;
  seconds: number;
}

export function readTelemetry<Entry extends { step: number } = StepTelemetry>(file: string): Entry[] {
  if (!existsSync(file)) return [];
  // A line cut short by a kill is the last one, and its step is not in any checkpoint.
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as Entry];
      } catch {
        return [];
      }
    });
}

export function openTelemetry<Entry extends { step: number } = StepTelemetry>(
  file: string,
  fromStep: number,
): (entry: Entry) => void {
  const kept = readTelemetry(file).filter(({ step }) => step <= fromStep);
  writeFileSync(`${file}.tmp`, kept.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  renameSync(`${file}.tmp`, file);
  return (entry) => appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

/** What a training run records of its steps: JSON lines, a TensorBoard event file made of the same, and alarms. */
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Alarm, alarmWatch } from './alarms.ts';
import { adderTo } from './own-file.ts';
import { scalarsOf } from './scalars.ts';
import { openTelemetry, type StepTelemetry } from './telemetry.ts';
import { eventFileStart, scalarEvent } from './tensorboard.ts';

export interface TelemetryFiles {
  /** JSON lines. */
  telemetry: string;
  /** Folder for `tensorboard --logdir`. */
  tensorboard: string;
}

export interface RunTelemetry {
  files: TelemetryFiles;
  /** Writes an entry down; the alarms that it raises. */
  record(entry: StepTelemetry): Alarm[];
}

export const telemetryFile = (runFolder: string) => path.join(runFolder, 'telemetry.jsonl');

/** Goes on after `fromStep`: later lines are dropped, and the event file is written anew from those that stay. */
export async function openRunTelemetry(folder: string, fromStep: number): Promise<RunTelemetry> {
  const files = { telemetry: telemetryFile(folder), tensorboard: path.join(folder, 'tensorboard') };
  // TensorBoard reads files that have "tfevents" in their names.
  const events = path.join(files.tensorboard, 'events.out.tfevents.0');
  const partial = path.join(folder, 'tensorboard.tmp');
  const watch = alarmWatch();
  const eventOf = (entry: StepTelemetry) => scalarEvent(entry.step, entry.at, scalarsOf(entry));

  writeFileSync(partial, eventFileStart(Date.now() / 1000));
  const addLine = await openTelemetry(files.telemetry, fromStep, (kept) => {
    appendFileSync(partial, eventOf(kept));
    watch(kept);
  });
  mkdirSync(files.tensorboard, { recursive: true });
  renameSync(partial, events);
  const addEvent = adderTo(events);
  return {
    files,
    record(entry) {
      addLine(entry);
      addEvent(eventOf(entry));
      return watch(entry);
    },
  };
}

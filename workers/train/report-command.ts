/** Tells a run how its training command is doing: the task's share, and an event every few seconds. */
import { asError } from '../../src/errors.ts';
import { appendEvent } from '../../src/jobs/events.ts';
import { log } from '../../src/log.ts';
import type { Store } from '../../src/store/client.ts';
import { commandProgress, newestCheckpoint } from './command-progress.ts';
import type { TrainJob } from './trainer.ts';

const EVENT_EVERY_MS = 5000;
/** Of a line that an event carries. */
const LONGEST_LINE = 500;

export interface CommandReport {
  line(text: string): void;
  /** The last event. */
  end(): Promise<void>;
}

/** @param output where the command's checkpoints appear */
export function reportCommand(
  store: Store,
  { runId, settings, progress }: TrainJob,
  output: string,
  pattern: string,
): CommandReport {
  const { steps } = settings.train;
  const known = commandProgress(pattern, steps);
  let line = '';
  const report = async () => {
    known.checkpoint(await newestCheckpoint(output));
    progress(known.step() / steps);
    const data = { line, step: known.step(), steps, secondsLeft: known.secondsLeft() };
    // A database that is away for a moment is no reason to end a training of hours.
    await appendEvent(store, runId, 'trainer-output', data).catch((thrown) =>
      log.warn({ run: runId, err: asError(thrown) }, 'event lost'),
    );
  };
  const timer = setInterval(() => void report(), EVENT_EVERY_MS);
  return {
    line(text) {
      line = text.slice(0, LONGEST_LINE);
      known.line(text);
      progress(known.step() / steps);
    },
    async end() {
      clearInterval(timer);
      await report();
    },
  };
}

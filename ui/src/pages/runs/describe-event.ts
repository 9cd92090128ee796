/** An event of a run's log as a sentence. */
import { bytes, count, duration } from '../../format.ts';

/** The fields of all events (src/jobs/events.ts); each has its own. */
interface Data {
  kind: string;
  error: string;
  tasks: number;
  priority: string;
  parts: number;
  stage: string;
  seconds: number;
  dropped: number;
  attempt: number;
  name: string;
  bytes: number;
  files: number;
  annotations: number;
  candidates: number;
  scores: number;
  step: number;
  steps: number;
  message: string;
  images: number;
  evaluations: number;
  loss: number;
  accuracy?: number;
  secondsLeft: number;
  reward: number;
  bestStep: number | null;
  line: string;
}

const SENTENCES: Record<string, (data: Data) => string> = {
  'run-created': ({ kind }) => `${kind} was asked for`,
  'run-succeeded': () => 'The run has succeeded',
  'run-failed': ({ error }) => `The run has failed: ${error}`,
  'run-cancelled': () => 'The run was cancelled',
  'run-paused': () => 'The run is paused',
  'run-resumed': ({ tasks }) =>
    `The run goes on: ${count(tasks)} ${tasks === 1 ? 'task waits' : 'tasks wait'}`,
  'run-priority-changed': ({ priority }) => `The priority is ${priority} now`,
  'run-retried': ({ tasks }) => `Trying ${count(tasks)} tasks again`,
  'stage-started': ({ stage, tasks }) => `${stage} starts: ${count(tasks)} ${tasks === 1 ? 'task' : 'tasks'}`,
  'stage-succeeded': ({ stage, seconds, dropped }) =>
    `${stage} is done after ${duration(seconds)}${dropped ? `, without ${count(dropped)} that failed` : ''}`,
  'task-retried': ({ stage, attempt, error }) =>
    `${stage}: attempt ${attempt} failed, trying again: ${error}`,
  'task-divided': ({ stage, parts }) =>
    `${stage}: workers died of a task again and again; it goes on as ${count(parts)} smaller ones`,
  'task-failed': ({ stage, error }) => `${stage}: a task failed for good: ${error}`,
  'artifact-written': ({ name, bytes: size }) => `Wrote ${name} (${bytes(size)})`,
  'export-written': ({ files, bytes: size }) => `Wrote ${count(files)} files (${bytes(size)})`,
  'import-written': ({ annotations, candidates, scores }) =>
    `Imported ${count(candidates)} candidates and ${count(scores)} scores, ${count(annotations)} new annotations`,
  'train-alarm': ({ step, kind, message }) => `Alarm at step ${step}, ${kind}: ${message}`,
  'train-inverted': ({ images, evaluations }) =>
    `${count(images)} images are inverted (${count(evaluations)} evaluations of the UNet)`,
  'train-progress': ({ step, steps, loss, accuracy, secondsLeft }) =>
    `Step ${count(step)} of ${count(steps)}: loss ${loss.toFixed(4)}${
      accuracy === undefined ? '' : `, accuracy ${(100 * accuracy).toFixed(0)}%`
    }, ${duration(secondsLeft)} left`,
  'train-validated': ({ step, reward, bestStep }) =>
    `Measured step ${step}: reward ${reward.toFixed(4)}${bestStep === null ? '' : `, best at step ${bestStep}`}`,
  'trainer-output': ({ line }) => line,
};

export function describeEvent(type: string, data: object): string {
  const { at: _, ...rest } = data as Record<string, unknown>;
  return SENTENCES[type]?.(rest as unknown as Data) ?? `${type} ${JSON.stringify(rest)}`;
}

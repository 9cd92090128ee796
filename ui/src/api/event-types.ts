/** Types of the events of a run's log (src/jobs/events.ts): a browser hears only those that it names. */
export const EVENT_TYPES = [
  'run-created',
  'run-succeeded',
  'run-failed',
  'run-cancelled',
  'run-retried',
  'stage-started',
  'stage-succeeded',
  'task-retried',
  'task-failed',
  'artifact-written',
  'export-written',
  'train-alarm',
  'train-inverted',
  'train-progress',
  'train-validated',
  'trainer-output',
];

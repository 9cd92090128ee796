/** The log of a run: one typed map of what can happen, written with what happened. */
import { withoutSecrets } from '../secrets.ts';
import { query, type Store, type Transaction } from '../store/client.ts';
import { tellWebhooks } from '../store/webhooks.ts';
import type { Priority } from './queue.ts';

export interface RunEvents {
  'run-created': { kind: string };
  'run-succeeded': Record<string, never>;
  'run-failed': { error: string };
  'run-cancelled': Record<string, never>;
  'run-paused': Record<string, never>;
  /** `tasks`: those that wait for a worker again. */
  'run-resumed': { tasks: number };
  'run-priority-changed': { priority: Priority };
  'run-retried': { tasks: number };
  'stage-started': { stage: string; tasks: number };
  'stage-succeeded': { stage: string; seconds: number; dropped: number };
  'task-retried': { stage: string; attempt: number; error: string };
  /** A task that its workers died of goes on as `parts` tasks, so that only what they die of is lost. */
  'task-divided': { stage: string; attempt: number; parts: number };
  'task-failed': { stage: string; attempt: number; error: string };
  'artifact-written': { name: string; bytes: number };
  'export-written': { files: number; bytes: number };
  /** `annotations`: those that were not in the set before. */
  'import-written': { annotations: number; candidates: number; scores: number };
  'train-alarm': { step: number; kind: string; message: string };
  /** Images whose inversions are at hand, and evaluations of the UNet that this attempt took for those it missed. */
  'train-inverted': { images: number; evaluations: number };
  'train-progress': {
    step: number;
    steps: number;
    loss: number;
    /** Of objectives that compare images. */
    accuracy?: number;
    /** Of images that the policy drew itself: their mean. */
    reward?: number;
    /** Of the UNet on an image, in this step. */
    policyEvaluations: number;
    referenceEvaluations: number;
    /** Of the last measurement. */
    validationReward: number | null;
    secondsLeft: number;
  };
  'train-validated': { step: number; reward: number; bestStep: number | null };
  'trainer-output': { line: string; step: number; steps: number; secondsLeft: number | null };
}

export interface RunEvent {
  id: string;
  at: Date;
  type: keyof RunEvents;
  data: unknown;
}

const ENDS: readonly (keyof RunEvents)[] = ['run-succeeded', 'run-failed', 'run-cancelled'];

/** Waits for the transaction that is changing the run, so that a log read by id never misses a late event. The end of a run is told to the webhooks too. */
export async function appendEvent<T extends keyof RunEvents>(
  tx: Store | Transaction,
  runId: string,
  type: T,
  data: RunEvents[T],
): Promise<void> {
  await query(
    tx,
    `INSERT INTO event (run_id, type, data)
     SELECT id, $2, $3::jsonb FROM run WHERE id = $1::uuid FOR NO KEY UPDATE RETURNING id`,
    runId,
    type,
    withoutSecrets(JSON.stringify(data)),
  );
  if (ENDS.includes(type)) await tellWebhooks(tx, runId);
}

/** Events after an id, oldest first. */
export async function readEvents(
  store: Store,
  runId: string,
  after: string,
  limit: number,
): Promise<RunEvent[]> {
  const rows = await query<RunEvent & { id: bigint }>(
    store,
    'SELECT id, at, type, data FROM event WHERE run_id = $1::uuid AND id > $2::bigint ORDER BY id LIMIT $3',
    runId,
    BigInt(after),
    limit,
  );
  return rows.map((row) => ({ ...row, id: String(row.id) }));
}

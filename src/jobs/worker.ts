/**
 * A worker's loop: take a job, claim its task, do the work, commit under the attempt number. Errors that may
 * pass are tried again by the queue; others, and the last try, end it (giveUpTask). The numeric work runs in another
 * thread, so that the queue's heartbeats and these reports go on while it computes.
 */
import type { PgBoss } from 'pg-boss';
import { asError, DiptychError } from '../errors.ts';
import { log } from '../log.ts';
import type { Store, Transaction } from '../store/client.ts';
import { giveUpTask, type TaskItems } from './dead-letters.ts';
import { appendEvent } from './events.ts';
import { POLL_SECONDS, RETRY_LIMIT, type TaskJob, type WorkerName } from './queue.ts';
import { type ClaimedTask, claimTask, commitTask, releaseTask, reportProgress, stageName } from './tasks.ts';

export interface TaskContext {
  task: ClaimedTask;
  /**
   * Fires to end the work soon. Its reason is a DiptychError: DIPTYCH_STALE_ATTEMPT where it is no longer this one's to
   * do, DIPTYCH_PAUSED where it goes on later and there is time to note how far it is, DIPTYCH_CANCELLED where the
   * process is ending.
   */
  signal: AbortSignal;
  /** Finished share, 0 to 1. */
  progress(fraction: number): void;
}

/** Does a task's work; what it returns writes the results inside the committing transaction. */
export type TaskHandler = (context: TaskContext) => Promise<(tx: Transaction) => Promise<void>>;

export interface WorkerOptions {
  store: Store;
  boss: PgBoss;
  worker: WorkerName;
  /** By the task's kind. */
  handlers: Record<string, TaskHandler>;
  items: TaskItems;
}

export interface RunningWorker {
  /** Puts the current task back and stops taking new ones. */
  stop(): Promise<void>;
}

const REPORT_MS = 1000;

export async function runWorker({
  store,
  boss,
  worker,
  handlers,
  items,
}: WorkerOptions): Promise<RunningWorker> {
  const stopping = new AbortController();

  const polling = { pollingIntervalSeconds: POLL_SECONDS, notifyPollingIntervalSeconds: POLL_SECONDS };
  const loop = await boss.work<TaskJob>(
    worker,
    { batchSize: 1, ...polling, includeMetadata: true },
    async ([job]) => {
      if (!job) return;
      // Where one was, the next one may wait: it is asked for at once.
      await attempt(job.id, job.data.taskId, job.retryCount).finally(() => boss.notifyWorker(loop));
    },
  );

  async function attempt(jobId: string, taskId: string, retryCount: number): Promise<void> {
    const task = await claimTask(store, taskId);
    if (!task) return;
    const taskLog = logOf(task);
    // A job that came while the worker was told to stop: its end alone would leave a task that nobody has.
    if (stopping.signal.aborted) return handBack(task, jobId);
    taskLog.info({ units: task.units }, 'task begun');
    const [stale, paused] = [new AbortController(), new AbortController()];
    const signal = AbortSignal.any([stale.signal, paused.signal, stopping.signal]);
    let fraction = 0;
    const reporter = setInterval(() => {
      reportProgress(store, task, fraction).then(
        (hold) => {
          if (hold === 'lost')
            stale.abort(new DiptychError('DIPTYCH_STALE_ATTEMPT', 'cancelled or taken over'));
          if (hold === 'paused') paused.abort(new DiptychError('DIPTYCH_PAUSED', 'the run is paused'));
        },
        (thrown) => taskLog.warn({ err: asError(thrown) }, 'progress could not be reported'),
      );
    }, REPORT_MS);
    try {
      const handler = handlers[task.kind];
      if (!handler) throw new Error(`worker "${worker}" has no way to do a task of kind "${task.kind}"`);
      const write = await handler({
        task,
        signal,
        progress(value) {
          fraction = value;
        },
      });
      // Reports would wait for the commit, one a second, and take the connections.
      clearInterval(reporter);
      await commitTask(store, boss, task, write);
      taskLog.info('task done');
    } catch (thrown) {
      if (stopping.signal.aborted || paused.signal.aborted) await handBack(task, jobId);
      else await handleFailure(task, asError(thrown), stale.signal.aborted, retryCount);
    } finally {
      clearInterval(reporter);
    }
  }

  async function handBack(task: ClaimedTask, jobId: string): Promise<void> {
    await releaseTask(store, boss, task, jobId).catch(ignoreStale);
    logOf(task).info('task handed back');
  }

  async function handleFailure(
    task: ClaimedTask,
    error: Error,
    stale: boolean,
    retryCount: number,
  ): Promise<void> {
    const code = error instanceof DiptychError ? error.code : undefined;
    if (stale || code === 'DIPTYCH_STALE_ATTEMPT') return;
    // Woken up late, it may fail before it hears that another attempt has begun.
    if ((await reportProgress(store, task, 0)) === 'lost') return;
    logOf(task).error({ err: error }, 'task failed');
    const final = retryCount >= RETRY_LIMIT || (error instanceof DiptychError && !error.retryable);
    if (final) return giveUpTask(store, boss, items, task, error).catch(ignoreStale);
    const stage = await stageName(store, task);
    await appendEvent(store, task.runId, 'task-retried', {
      stage,
      attempt: task.attempt,
      error: error.message,
    });
    throw error;
  }

  return {
    async stop() {
      stopping.abort(new DiptychError('DIPTYCH_CANCELLED', 'the worker is stopping'));
      await boss.offWork(worker);
      await boss.stop({ graceful: false });
    },
  };
}

const logOf = ({ id, runId, kind, attempt }: ClaimedTask) =>
  log.child({ run: runId, task: id, kind, attempt });

function ignoreStale(thrown: unknown): void {
  if (!(thrown instanceof DiptychError && thrown.code === 'DIPTYCH_STALE_ATTEMPT')) throw thrown;
}

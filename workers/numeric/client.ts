/**
 * Calls into the numeric thread from a worker's main thread. TensorFlow blocks the thread that it runs on
 * for as long as an operation lasts, so queue, database and heartbeats stay on the main thread and only
 * numeric work crosses over, as plain messages.
 */
import { Worker } from 'node:worker_threads';
import { asError, DiptychError, type ErrorCode } from '../../src/errors.ts';
import type { NumericMethods } from './methods.ts';

export interface NumericThread {
  /**
   * Runs one method over there. `onProgress` gets the messages that the method posts while it runs.
   * Aborting `signal` asks the method to stop at its next step; the call then rejects with its reason.
   */
  call<M extends keyof NumericMethods>(
    method: M,
    argument: Parameters<NumericMethods[M]>[0],
    options?: { onProgress?: (message: Progress<M>) => void; signal?: AbortSignal },
  ): Promise<Awaited<ReturnType<NumericMethods[M]>>>;
  close(): Promise<void>;
}

type Progress<M extends keyof NumericMethods> = Parameters<Parameters<NumericMethods[M]>[1]['progress']>[0];

export type Reply =
  | { id: number; kind: 'progress'; message: never }
  | { id: number; kind: 'result'; result: never }
  | { id: number; kind: 'error'; error: PlainError };
/** An error as it crosses between threads. */
export interface PlainError {
  code?: ErrorCode;
  message: string;
  stack?: string;
}

interface Waiting {
  onProgress?: (message: never) => void;
  resolve(result: never): void;
  reject(error: Error): void;
}

/** `onDeath`: the thread ended without being asked to; no call will be answered any more. */
export function startNumericThread(onDeath?: (error: Error) => void): NumericThread {
  const worker = new Worker(new URL('./thread.ts', import.meta.url), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let dead: Error | null = null;
  let closing = false;

  function fail(error: Error): void {
    dead = error;
    if (!closing) onDeath?.(error);
    for (const call of waiting.values()) call.reject(error);
    waiting.clear();
  }
  worker.on('message', (reply: Reply) => {
    const call = waiting.get(reply.id);
    if (!call) return;
    if (reply.kind === 'progress') return call.onProgress?.(reply.message);
    waiting.delete(reply.id);
    if (reply.kind === 'result') return call.resolve(reply.result);
    call.reject(revive(reply.error));
  });
  worker.on('error', (thrown) => fail(asError(thrown)));
  worker.on('exit', (code) => fail(new Error(`the numeric thread ended with code ${code}`)));

  return {
    call(method, argument, { onProgress, signal } = {}) {
      if (dead) return Promise.reject(dead);
      const id = ++lastId;
      const abort = () => {
        const { reason } = signal!;
        const code = reason instanceof DiptychError ? reason.code : undefined;
        worker.postMessage({ id, kind: 'abort', error: { code, message: asError(reason).message } });
      };
      return new Promise<never>((resolve, reject) => {
        waiting.set(id, { onProgress, resolve, reject });
        worker.postMessage({ id, kind: 'call', method, argument });
        if (signal?.aborted) abort();
        else signal?.addEventListener('abort', abort, { once: true });
      })
        .catch((thrown) => {
          throw signal?.aborted ? signal.reason : thrown;
        })
        .finally(() => signal?.removeEventListener('abort', abort));
    },
    async close() {
      closing = true;
      await worker.terminate();
    },
  };
}

export function revive(error: PlainError): Error {
  const revived = error.code ? new DiptychError(error.code, error.message) : new Error(error.message);
  if (error.stack !== undefined) revived.stack = error.stack;
  return revived;
}

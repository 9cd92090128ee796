/** Tasks that find the store of blobs away wait for it: however long a server is away, that costs one of their tries. */
import { setTimeout } from 'node:timers/promises';
import { DiptychError } from '../src/errors.ts';
import type { TaskHandler } from '../src/jobs/worker.ts';
import { log } from '../src/log.ts';
import type { BlobStore } from '../src/store/blobs.ts';

/** The longest wait, after which the try has failed: what is wrong may be the address or a key. */
const LONGEST_MS = 180_000;
const BETWEEN_LOOKS_MS = 1000;

export function waitingForBlobs(blobs: Pick<BlobStore, 'check'>, handler: TaskHandler): TaskHandler {
  return async (context) => {
    try {
      return await handler(context);
    } catch (thrown) {
      if (thrown instanceof DiptychError && thrown.code === 'DIPTYCH_BLOBS_UNAVAILABLE') {
        log.warn({ err: thrown, task: context.task.id }, 'waiting for the store of blobs');
        await untilThere(blobs, context.signal);
      }
      throw thrown;
    }
  };
}

async function untilThere(blobs: Pick<BlobStore, 'check'>, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + LONGEST_MS;
  while (!signal.aborted && performance.now() < deadline) {
    const there = await blobs.check().then(
      () => true,
      () => false,
    );
    if (there) return;
    await setTimeout(BETWEEN_LOOKS_MS, undefined, { signal }).catch(() => {});
  }
}

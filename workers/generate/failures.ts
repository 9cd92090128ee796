/** Images that could not be made. */
import { DiptychError } from '../../src/errors.ts';
import type { Transaction } from '../../src/store/client.ts';

export interface ImageFailure {
  annotationId: string;
  slot: number;
  reason: string;
}

/** Throws DIPTYCH_ITEM_FAILED when nothing is left of a task. */
export function refuseTotalFailure(failures: readonly ImageFailure[], wanted: number): void {
  if (failures.length < wanted) return;
  throw new DiptychError(
    'DIPTYCH_ITEM_FAILED',
    `none of ${wanted} images could be made; the first: ${failures[0]!.reason}`,
  );
}

/** Keeps what failed, inside the committing transaction: for now in the log alone. */
export async function storeImageFailures(_tx: Transaction, failures: readonly ImageFailure[]): Promise<void> {
  for (const { annotationId, slot, reason } of failures) {
    console.error(`image ${slot} of annotation ${annotationId} failed: ${reason}`);
  }
}

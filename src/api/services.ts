/** What routes work with. */
import type { PgBoss } from 'pg-boss';
import type { BlobStore } from '../store/blobs.ts';
import type { Store } from '../store/client.ts';

export interface Services {
  store: Store;
  boss: PgBoss;
  blobs: BlobStore;
  /** A folder for each export. */
  exportsFolder: string;
  /** A folder for each upload. */
  uploadsFolder: string;
  /** Where the training of a run keeps its files. */
  trainFolder(runId: string): string;
}

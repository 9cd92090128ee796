/** What routes work with. */
import type { PgBoss } from 'pg-boss';
import type { ArtifactFiles } from '../store/artifact-files.ts';
import type { BlobStore } from '../store/blobs.ts';
import type { Store } from '../store/client.ts';
import type { Places } from '../store/places.ts';

export interface Services {
  store: Store;
  boss: PgBoss;
  blobs: BlobStore;
  artifacts: ArtifactFiles;
  places: Pick<Places, 'exports' | 'uploads' | 'trainFolder'>;
}

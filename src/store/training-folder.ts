/**
 * The training of a run as other machines see it: an artifact of the name `training`, a folder that each checkpoint
 * replaces. It is there only where machines share no disk (artifact-files.ts).
 */
import type { ArtifactFiles, Wanted } from './artifact-files.ts';
import { lookUpArtifact } from './artifacts.ts';
import type { Store } from './client.ts';
import type { Places } from './places.ts';

export const TRAINING = 'training';

interface Sources {
  store: Store;
  artifacts: ArtifactFiles;
  places: Pick<Places, 'trainFolder'>;
}

/** Path of a folder with the wanted files of a run's training, as of its newest checkpoint; nothing is there before. */
export async function trainingFolder(
  { store, artifacts, places }: Sources,
  runId: string,
  wanted: Wanted,
): Promise<string> {
  const published = artifacts.shared ? await lookUpArtifact(store, runId, TRAINING) : null;
  return published ? artifacts.local(runId, published, wanted) : places.trainFolder(runId);
}

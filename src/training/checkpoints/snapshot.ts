/**
 * A training as it is at its newest checkpoint, in a folder of its own while it goes on: what another process needs to
 * resume it, and what there is to see of it. Files that never change are hard links.
 */
import { copyFile, link, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { telemetryFile } from '../telemetry/run-telemetry.ts';
import { gridFile, validationFile } from '../validation/validation-files.ts';
import { CHECKPOINT_FILES, checkpointSteps } from './checkpoint.ts';

/** Names inside of the snapshot that grow from one to the next; all others stay what they are. */
export const isGrowing = (name: string) => name.endsWith('.jsonl');
/** Names inside of the snapshot that only resuming needs. */
export const isCheckpoint = (name: string) => name.startsWith('checkpoints/');

/** Steps of the checkpoints among the names of a snapshot. */
export const snapshotSteps = (names: readonly string[]): number[] =>
  names.flatMap((name) => /^checkpoints\/step-(\d+)\//.exec(name)?.[1] ?? []).map(Number);

/** Writes or overwrites the folder `to`, beside the run's own. */
export async function snapshotTraining(runFolder: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { recursive: true });
  try {
    for (const step of checkpointSteps(runFolder)) {
      for (const name of CHECKPOINT_FILES)
        await place(link, runFolder, to, path.join('checkpoints', `step-${step}`, name));
    }
  } catch (thrown) {
    // Removed meanwhile, so there is a newer one.
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return snapshotTraining(runFolder, to);
    throw thrown;
  }
  // Later than the checkpoints, for they must hold the steps up to the newest of those. A cut last line is none.
  const grids = path.relative(runFolder, path.dirname(gridFile(runFolder, 0)));
  for (const name of await namesIn(path.join(runFolder, grids))) {
    if (name.endsWith('.png')) await place(link, runFolder, to, path.join(grids, name));
  }
  for (const file of [telemetryFile(runFolder), validationFile(runFolder)]) {
    await place(copyFile, runFolder, to, path.relative(runFolder, file)).catch(ignoreMissing);
  }
}

async function place(
  how: (from: string, to: string) => Promise<void>,
  from: string,
  to: string,
  name: string,
): Promise<void> {
  const target = path.join(to, name);
  await mkdir(path.dirname(target), { recursive: true });
  await how(path.join(from, name), target);
}

const namesIn = (folder: string) =>
  readdir(folder)
    .catch(ignoreMissing)
    .then((names) => names ?? []);

function ignoreMissing(thrown: NodeJS.ErrnoException): void {
  if (thrown.code !== 'ENOENT') throw thrown;
}

/** The folders of a store. */
import path from 'node:path';
import { DiptychError } from '../errors.ts';

export interface Places {
  home: string;
  /** A folder, or s3://BUCKET/PREFIX. */
  blobs: string;
  /** Copies of artifacts that other machines made. */
  artifacts: string;
  /** What vision endpoints answered before. */
  answers: string;
  /** Inversions that runs share, and the most bytes that stay in it between runs. */
  trajectories: string;
  trajectoryBytes: number;
  /** The file of external trainers. */
  trainers: string;
  /** A folder for each export, named by its id. */
  exports: string;
  /** Where imports under way keep what they have read, in a folder for each run. */
  imports: string;
  /** Files that were sent to be imported, in folders by the name of the upload. */
  uploads: string;
  runFolder(runId: string): string;
  /** In the run's folder: checkpoints, telemetry and the tuned model. */
  trainFolder(runId: string): string;
}

const ROOT = path.resolve(import.meta.dirname, '../..');

const TRAJECTORY_GB = 20;

/**
 * From DIPTYCH_HOME, or .diptych of the project; the blobs from DIPTYCH_BLOBS where it is set, the trainers from DIPTYCH_TRAINERS where it is set, the size of the
 * trajectories from DIPTYCH_TRAJECTORY_GB. Throws DIPTYCH_INVALID_INPUT where that is no size.
 */
export function places(): Places {
  const home = path.resolve(process.env.DIPTYCH_HOME ?? path.join(ROOT, '.diptych'));
  const runFolder = (runId: string) => path.join(home, 'runs', runId);
  return {
    home,
    blobs: process.env.DIPTYCH_BLOBS || path.join(home, 'blobs'),
    artifacts: path.join(home, 'artifacts'),
    answers: path.join(home, 'answers'),
    trajectories: path.join(home, 'trajectories'),
    trajectoryBytes: 1e9 * trajectoryGb(process.env.DIPTYCH_TRAJECTORY_GB),
    trainers: path.resolve(process.env.DIPTYCH_TRAINERS ?? path.join(home, 'trainers.json')),
    exports: path.join(home, 'exports'),
    imports: path.join(home, 'imports'),
    uploads: path.join(home, 'uploads'),
    runFolder,
    trainFolder: (runId) => path.join(runFolder(runId), 'train'),
  };
}

function trajectoryGb(text: string | undefined): number {
  if (!text) return TRAJECTORY_GB;
  const gb = Number(text);
  if (gb >= 0) return gb;
  throw new DiptychError(
    'DIPTYCH_INVALID_INPUT',
    `DIPTYCH_TRAJECTORY_GB is "${text}"; give the gigabytes that stored inversions may take between runs, such as ${TRAJECTORY_GB}`,
  );
}

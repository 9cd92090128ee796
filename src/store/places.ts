/** The folders of a store. */
import path from 'node:path';

export interface Places {
  home: string;
  blobs: string;
  /** What vision endpoints answered before. */
  answers: string;
  /** The file of external trainers. */
  trainers: string;
  /** A folder for each export, named by its id. */
  exports: string;
  runFolder(runId: string): string;
  /** In the run's folder: trajectories, checkpoints, telemetry and the tuned model. */
  trainFolder(runId: string): string;
}

const ROOT = path.resolve(import.meta.dirname, '../..');

/** From DIPTYCH_HOME, or .diptych of the project; the trainers from DIPTYCH_TRAINERS where it is set. */
export function places(): Places {
  const home = path.resolve(process.env.DIPTYCH_HOME ?? path.join(ROOT, '.diptych'));
  const runFolder = (runId: string) => path.join(home, 'runs', runId);
  return {
    home,
    blobs: path.join(home, 'blobs'),
    answers: path.join(home, 'answers'),
    trainers: path.resolve(process.env.DIPTYCH_TRAINERS ?? path.join(home, 'trainers.json')),
    exports: path.join(home, 'exports'),
    runFolder,
    trainFolder: (runId) => path.join(runFolder(runId), 'train'),
  };
}

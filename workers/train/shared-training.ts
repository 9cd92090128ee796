/**
 * A training that may go on on another machine. Where machines share no disk, each checkpoint is put where all read it,
 * with telemetry and measurements, and an attempt on a machine that knows less than that begins by getting it.
 */
import { rm } from 'node:fs/promises';
import { asError } from '../../src/errors.ts';
import { type ClaimedTask, writeWhileHeld } from '../../src/jobs/tasks.ts';
import { log } from '../../src/log.ts';
import { type ArtifactFacts, describeFolder, lookUpArtifact, writeFiles } from '../../src/store/artifacts.ts';
import { TRAINING } from '../../src/store/training-folder.ts';
import { checkpointSteps } from '../../src/training/checkpoints/checkpoint.ts';
import { isGrowing, snapshotSteps, snapshotTraining } from '../../src/training/checkpoints/snapshot.ts';
import type { Tools } from '../process.ts';

export interface SharedTraining {
  /** There is a new checkpoint or measurement. */
  changed(): void;
  /** Resolves when the last change is where all see it. */
  settled(): Promise<void>;
}

/** Brings the folder to the newest checkpoint that there is anywhere. */
export async function shareTraining(
  { store, artifacts }: Pick<Tools, 'store' | 'artifacts'>,
  task: ClaimedTask,
  folder: string,
): Promise<SharedTraining> {
  if (!artifacts.shared) return { changed() {}, settled: async () => {} };
  let published = await lookUpArtifact(store, task.runId, TRAINING);
  if (published && newestOf(published) > (checkpointSteps(folder)[0] ?? 0))
    await artifacts.fetchInto(task.runId, published, folder);

  let asked = false;
  let running: Promise<void> | undefined;
  const run = async () => {
    while (asked) {
      asked = false;
      await publish();
    }
    running = undefined;
  };

  async function publish(): Promise<void> {
    const snapshot = `${folder}.snapshot`;
    await snapshotTraining(folder, snapshot);
    const known = published?.files?.filter(({ name }) => !isGrowing(name));
    const now: ArtifactFacts = { ...(await describeFolder(TRAINING, snapshot, known)), path: folder };
    // Else it is another program's.
    if (now.files!.length > 0) {
      await artifacts.keep(task.runId, [{ ...now, path: snapshot }]);
      await writeWhileHeld(store, task, (tx) => writeFiles(tx, task.runId, [now]));
      if (published) await artifacts.removeSuperseded(task.runId, published, now);
      published = now;
    }
    await rm(snapshot, { recursive: true });
  }

  return {
    changed() {
      asked = true;
      // A bucket that is away for a while is no reason to end a training of hours: the next checkpoint tries again.
      running ??= run().catch((thrown) => {
        running = undefined;
        const { runId: run, id, attempt } = task;
        log.warn(
          { run, task: id, attempt, err: asError(thrown) },
          'a checkpoint stays on this machine for now',
        );
      });
    },
    async settled() {
      await running;
      asked = true;
      await run();
    },
  };
}

const newestOf = ({ files }: ArtifactFacts) => Math.max(0, ...snapshotSteps(files!.map(({ name }) => name)));

/** A trainer of somebody else's: a folder of pairs in, a command, the weights it leaves put into the base model. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { filledIn, type TrainerCommand } from '../../pipelines/trainers.ts';
import { writePairFolder } from '../../src/export/pair-folder.ts';
import { rewardedAnnotations } from '../../src/export/source.ts';
import { describeArtifacts, writeArtifacts } from '../../src/store/artifacts.ts';
import type { Store } from '../../src/store/client.ts';
import type { Tools } from '../process.ts';
import { runCommand } from './command.ts';
import { removeTornCheckpoints } from './command-progress.ts';
import { reportCommand } from './report-command.ts';
import type { Trainer, TrainJob } from './trainer.ts';

/** The released Inversion-DPO script loads this name and no other, so commands are run beside the folder. */
const DATASET = path.join('yuvalkirstain', 'pickapic_v2');
const LOG = 'log.txt';
const MARK = 'DIPTYCH_EXTERNAL_TRAINING';

export function externalTrainer(
  { store, blobs, artifacts, numeric }: Tools,
  command: TrainerCommand,
): Trainer {
  return async (job) => {
    const { folder, model, signal } = job;
    const { train, seed } = job.settings;
    const { silentMinutes, checkpointMark } = command;
    const dataset = path.join(folder, DATASET);
    const output = path.join(folder, 'output');
    const log = path.join(folder, LOG);
    await mkdir(output, { recursive: true });
    // The pairs of an earlier attempt are the same, and the command may have indexed them.
    if (!existsSync(dataset)) await writePairs(store, blobs, job, dataset);

    const report = reportCommand(store, job, output, command.progress);
    try {
      await runCommand({
        argv: filledIn(command.argv, { ...train, dataset, model, output, seed }),
        cwd: folder,
        environment: command.environment,
        mark: { name: MARK, value: folder },
        log,
        onLine: report.line,
        silentMs: silentMinutes === undefined ? undefined : 60_000 * silentMinutes,
        signal,
        async beforeStart() {
          if (checkpointMark !== undefined) await removeTornCheckpoints(output, checkpointMark);
        },
      });
      const tuned = await numeric.call('adopt', { base: model, output, folder }, { signal });
      return { ...tuned, [LOG]: log };
    } catch (thrown) {
      if (!signal.aborted) await keepLog({ store, artifacts }, job.runId, log);
      throw thrown;
    } finally {
      await report.end();
    }
  };
}

function writePairs(
  store: Store,
  blobs: Tools['blobs'],
  { source, votes, settings: { reward, pairs }, signal }: TrainJob,
  folder: string,
): Promise<void> {
  return writePairFolder({
    annotations: rewardedAnnotations(store, source, reward, { votes }),
    load: (sha256) => blobs.get(sha256),
    pairs,
    dominance: reward.policy === 'dominance',
    folder,
    onAnnotation: () => signal.throwIfAborted(),
  });
}

/** A task that fails writes nothing with its end, but its log is what one wants to see then. */
async function keepLog(
  { store, artifacts }: Pick<Tools, 'store' | 'artifacts'>,
  runId: string,
  log: string,
): Promise<void> {
  const described = await describeArtifacts({ [LOG]: log });
  await artifacts.keep(runId, described);
  await store.$transaction((tx) => writeArtifacts(tx, runId, described));
}

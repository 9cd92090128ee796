/** The train task: scored candidates to pairs, pairs to a tuned model, by the trainer that the run names. */
import type { RunSettings } from '../../pipelines/settings.ts';
import type { TrainPayload } from '../../pipelines/stages.ts';
import { readTrainer } from '../../pipelines/trainers.ts';
import { DiptychError } from '../../src/errors.ts';
import type { TaskHandler } from '../../src/jobs/worker.ts';
import { log } from '../../src/log.ts';
import { describeArtifacts, writeArtifacts } from '../../src/store/artifacts.ts';
import { modelFolder } from '../model-folders.ts';
import type { Tools } from '../process.ts';
import { builtInTrainer } from './built-in.ts';
import { externalTrainer } from './external.ts';
import { shareTraining } from './shared-training.ts';

export function trainTask(tools: Tools): TaskHandler {
  const { store, places } = tools;
  return async ({ task, signal, progress }) => {
    const run = await store.run.findUniqueOrThrow({ where: { id: task.runId } });
    const settings = run.settings as unknown as RunSettings;
    const { external } = settings.train;
    const train =
      external === undefined
        ? builtInTrainer(tools)
        : externalTrainer(tools, await readTrainer(places.trainers, external));
    const folder = places.trainFolder(task.runId);
    const shared = await shareTraining(tools, task, folder);
    const left = await train({
      runId: task.runId,
      settings,
      source: settings.sourceRun ?? task.runId,
      votes: (task.payload as unknown as TrainPayload).votes,
      model: modelFolder(settings.model, 'diffusion'),
      folder,
      signal,
      changed: shared.changed,
      progress,
    }).catch(async (thrown) => {
      // It may go on on another machine.
      if (isPaused(signal))
        await shared.settled().catch((err) => log.warn({ err }, 'the checkpoint of a pause stays here'));
      throw thrown;
    });
    await shared.settled();
    const artifacts = await describeArtifacts(left);
    await tools.artifacts.keep(task.runId, artifacts);
    return (tx) => writeArtifacts(tx, task.runId, artifacts);
  };
}

const isPaused = ({ reason }: AbortSignal) =>
  reason instanceof DiptychError && reason.code === 'DIPTYCH_PAUSED';

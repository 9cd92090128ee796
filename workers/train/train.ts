/** The train task: scored candidates to pairs, pairs to a tuned model, by the trainer that the run names. */
import type { RunSettings } from '../../pipelines/settings.ts';
import type { TrainPayload } from '../../pipelines/stages.ts';
import { readTrainer } from '../../pipelines/trainers.ts';
import type { TaskHandler } from '../../src/jobs/worker.ts';
import { describeArtifacts, writeArtifacts } from '../../src/store/artifacts.ts';
import { modelFolder } from '../model-folders.ts';
import type { Tools } from '../process.ts';
import { builtInTrainer } from './built-in.ts';
import { externalTrainer } from './external.ts';

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
    const left = await train({
      runId: task.runId,
      settings,
      source: settings.sourceRun ?? task.runId,
      votes: (task.payload as unknown as TrainPayload).votes,
      model: modelFolder(settings.model, 'diffusion'),
      folder: places.trainFolder(task.runId),
      signal,
      progress,
    });
    const artifacts = await describeArtifacts(left);
    return (tx) => writeArtifacts(tx, task.runId, artifacts);
  };
}

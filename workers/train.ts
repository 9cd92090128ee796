/** The train worker: scored candidates to pairs, pairs to a tuned model. */
import type { RunSettings } from '../pipelines/settings.ts';
import { appendEvent } from '../src/jobs/events.ts';
import type { TaskHandler } from '../src/jobs/worker.ts';
import { describeArtifacts, writeArtifacts } from '../src/store/artifacts.ts';
import { alarmTeller } from './alarm-events.ts';
import { modelFolder } from './model-folders.ts';
import { startWorkerProcess, type Tools } from './process.ts';
import { promptedCandidates } from './prompts.ts';
import { pairsOfRun } from './rewarded.ts';

/** Of the stage's time, about what inversion takes; the rest is optimizer steps. */
const INVERSION_SHARE = 0.25;
const EVENT_EVERY_MS = 5000;

await startWorkerProcess('train', (tools) => ({ train: trainTask(tools) }));

function trainTask({ store, numeric, places }: Tools): TaskHandler {
  return async ({ task, signal, progress }) => {
    const run = await store.run.findUniqueOrThrow({ where: { id: task.runId } });
    const settings = run.settings as unknown as RunSettings;
    const source = settings.sourceRun ?? task.runId;
    const { candidates, pairs } = await pairsOfRun(store, source, settings);
    const folder = places.trainFolder(task.runId);
    const model = modelFolder(settings.model, 'diffusion');
    const tellAlarms = await alarmTeller(store, task.runId);
    let lastEvent = Date.now();
    const result = await numeric.call(
      'train',
      {
        model,
        settings: { ...settings.train, seed: settings.seed },
        candidates: await promptedCandidates(store, model, candidates),
        pairs,
        blobs: places.blobs,
        folder,
      },
      {
        signal,
        onProgress(message) {
          const share = message.done / message.total;
          progress(
            message.phase === 'invert'
              ? INVERSION_SHARE * share
              : INVERSION_SHARE + (1 - INVERSION_SHARE) * share,
          );
          if (message.phase !== 'train') return;
          void tellAlarms(message.alarms);
          if (Date.now() - lastEvent < EVENT_EVERY_MS) return;
          lastEvent = Date.now();
          const { step, loss, accuracy, seconds } = message.telemetry;
          const secondsLeft = Math.round(seconds * (message.total - step));
          void appendEvent(store, task.runId, 'train-progress', {
            step,
            steps: message.total,
            loss,
            accuracy,
            secondsLeft,
          });
        },
      },
    );
    const artifacts = await describeArtifacts({
      model: result.model,
      ...(result.lora && { lora: result.lora }),
      'telemetry.jsonl': result.telemetry,
      tensorboard: result.tensorboard,
    });
    return (tx) => writeArtifacts(tx, task.runId, artifacts);
  };
}

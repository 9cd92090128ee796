/** The trainer of this project, in the numeric thread. */
import { appendEvent } from '../../src/jobs/events.ts';
import { pairedCandidates } from '../../src/preference/pairs.ts';
import { alarmTeller } from '../alarm-events.ts';
import type { Tools } from '../process.ts';
import { promptedCandidates } from '../prompts.ts';
import { pairsOfRun } from '../rewarded.ts';
import type { Trainer } from './trainer.ts';

/** Of the stage's time, about what inversion takes; the rest is optimizer steps. */
const INVERSION_SHARE = 0.25;
const EVENT_EVERY_MS = 5000;

export function builtInTrainer({ store, numeric, places }: Tools): Trainer {
  return async ({ runId, settings, source, model, folder, signal, progress }) => {
    const { candidates, pairs } = await pairsOfRun(store, source, settings);
    const tellAlarms = await alarmTeller(store, runId);
    let lastEvent = Date.now();
    let evaluations = 0;
    let hasInverted = false;
    const result = await numeric.call(
      'train',
      {
        model,
        settings: { ...settings.train, seed: settings.seed },
        candidates: await promptedCandidates(store, model, candidates),
        ...{ pairs, folder, blobs: places.blobs },
        ...{ trajectories: places.trajectories, trajectoryBytes: places.trajectoryBytes },
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
          if (message.phase === 'invert') evaluations = message.evaluations;
          if (message.phase !== 'train') return;
          if (!hasInverted) {
            hasInverted = true;
            const images = pairedCandidates(pairs).size;
            void appendEvent(store, runId, 'train-inverted', { images, evaluations });
          }
          void tellAlarms(message.alarms);
          if (Date.now() - lastEvent < EVENT_EVERY_MS) return;
          lastEvent = Date.now();
          const { step, loss, accuracy, seconds, policyEvaluations, referenceEvaluations } =
            message.telemetry;
          const secondsLeft = Math.round(seconds * (message.total - step));
          void appendEvent(store, runId, 'train-progress', {
            step,
            steps: message.total,
            loss,
            accuracy,
            policyEvaluations,
            referenceEvaluations,
            secondsLeft,
          });
        },
      },
    );
    return {
      model: result.model,
      ...(result.lora && { lora: result.lora }),
      'telemetry.jsonl': result.telemetry,
      tensorboard: result.tensorboard,
    };
  };
}

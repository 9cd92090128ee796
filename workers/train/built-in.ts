/** The trainer of this project, in the numeric thread. */
import type { RunSettings } from '../../pipelines/settings.ts';
import { checkValidation, validationAnnotations } from '../../pipelines/validation-annotations.ts';
import { asError } from '../../src/errors.ts';
import { appendEvent } from '../../src/jobs/events.ts';
import { log } from '../../src/log.ts';
import { pairedCandidates } from '../../src/preference/pairs.ts';
import { isOnPolicy } from '../../src/training/settings.ts';
import type { TrainProgress } from '../../src/training/train.ts';
import type { MeasuredFiles, ValidationResult } from '../../src/training/validation/validation.ts';
import { alarmTeller } from '../alarm-events.ts';
import type { Tools } from '../process.ts';
import { promptedCandidates } from '../prompts.ts';
import { pairsOfRun } from '../rewarded.ts';
import { drawnArgument } from './drawn-argument.ts';
import type { Trainer } from './trainer.ts';

/** Of the stage's time, about what inversion takes; the rest is optimizer steps. */
const INVERSION_SHARE = 0.25;
const EVENT_EVERY_MS = 5000;

export function builtInTrainer(tools: Tools): Trainer {
  const { store, numeric, places } = tools;
  return async (job) => {
    const { runId, settings, source, model, folder, signal, changed, progress, votes } = job;
    const { candidates, pairs: formed } = await pairsOfRun(store, source, settings, votes);
    const annotations = new Set(candidates.map(({ imgId }) => imgId));
    checkValidation(settings, annotations.size);
    const measured = validationAnnotations(settings, annotations);
    const pairs = formed.filter(({ annotationId }) => !measured.has(annotationId));
    const tellAlarms = await alarmTeller(store, runId);
    const onPolicy = isOnPolicy(settings.train.objective);
    const before = onPolicy ? 0 : INVERSION_SHARE;
    const timeLeft = onPolicy ? meanTimeLeft() : lastTimeLeft;
    let lastEvent = Date.now();
    let evaluations = 0;
    let hasInverted = false;
    let validation: ValidationResult | null = null;
    const result = await numeric.call(
      'train',
      {
        model,
        settings: { ...settings.train, seed: settings.seed },
        candidates: await promptedCandidates(store, model, candidates),
        ...{ pairs, folder, blobs: places.blobs },
        ...{ trajectories: places.trajectories, trajectoryBytes: places.trajectoryBytes },
        ...(await drawnArgument(tools, job, candidates, measured)),
      },
      {
        signal,
        onProgress(message) {
          if (message.phase === 'validate') {
            // Spread evenly over the steps, whose share of the time thus holds it.
            if (message.result) {
              changed();
              tell(tellValidation(message.result));
            }
            return;
          }
          const share = message.done / message.total;
          if (message.phase === 'invert') {
            progress(before * share);
            evaluations = message.evaluations;
          }
          if (message.phase !== 'train') return;
          if (message.checkpoint) changed();
          progress(before + (1 - before) * share);
          if (!onPolicy && !hasInverted) {
            hasInverted = true;
            const images = pairedCandidates(pairs).size;
            tell(appendEvent(store, runId, 'train-inverted', { images, evaluations }));
          }
          tell(tellAlarms(message.alarms));
          const secondsLeft = Math.round(
            timeLeft(message) + validationSecondsLeft(settings.train, validation, message.done),
          );
          if (Date.now() - lastEvent < EVENT_EVERY_MS) return;
          lastEvent = Date.now();
          const { step, loss, accuracy, policyEvaluations, referenceEvaluations } = message.telemetry;
          tell(
            appendEvent(store, runId, 'train-progress', {
              ...{ step, steps: message.total, loss, policyEvaluations, referenceEvaluations, secondsLeft },
              ...(accuracy !== undefined && { accuracy }),
              ...('reward' in message.telemetry && { reward: message.telemetry.reward }),
              validationReward: validation?.reward ?? null,
            }),
          );
        },
      },
    );
    return {
      model: result.model,
      ...(result.lora && { lora: result.lora }),
      'telemetry.jsonl': result.telemetry,
      tensorboard: result.tensorboard,
      ...(result.validation && validationArtifacts(result.validation)),
    };

    /** A database that is away for a while is no reason to end a training: the files say all of it too. */
    function tell(writing: Promise<void>): void {
      writing.catch((thrown) => log.warn({ run: runId, err: asError(thrown) }, 'an event is not in the log'));
    }

    async function tellValidation(result: ValidationResult): Promise<void> {
      validation = result;
      const { step, reward, bestStep, alarms } = result;
      await appendEvent(store, runId, 'train-validated', { step, reward, bestStep });
      await tellAlarms(alarms);
    }
  };
}

/** As long as the last one took, for each that is to come, the one of this step too. */
function validationSecondsLeft(
  { validation, steps }: RunSettings['train'],
  last: ValidationResult | null,
  step: number,
): number {
  if (!validation || !last) return 0;
  const done = Math.floor((step - 1) / validation.every);
  return last.seconds * (Math.ceil(steps / validation.every) - done);
}

const validationArtifacts = ({ lines, grids }: MeasuredFiles) => ({
  'validation.jsonl': lines,
  ...Object.fromEntries(grids.map(({ step, file }) => [`validation/step-${step}.png`, file])),
});
type StepDone = Extract<TrainProgress, { phase: 'train' }>;

/** Seconds, by the last step: each takes about as long. */
const lastTimeLeft = ({ telemetry, total }: StepDone): number => telemetry.seconds * (total - telemetry.step);

/** Seconds, by all steps so far: the first of a round has all its drawing in it. */
function meanTimeLeft(): (done: StepDone) => number {
  let [steps, seconds] = [0, 0];
  return ({ telemetry, total }) => {
    steps += 1;
    seconds += telemetry.seconds;
    return (seconds / steps) * (total - telemetry.step);
  };
}

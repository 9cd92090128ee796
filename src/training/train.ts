/**
 * Training: a tuned UNet out of pairs, or out of what the model draws while it learns. The loop: an optimizer step,
 * its telemetry, a checkpoint now and then. A step is a function of the settings, its number and the weights, so a run
 * that was stopped and resumed ends with the same bits.
 */
import { mkdir } from 'node:fs/promises';
import { parseSchedule, type Schedule } from '../diffusion/schedule.ts';
import { DiptychError } from '../errors.ts';
import type { DiffusionModel } from '../models/folders/model-folder.ts';
import { isDue } from './cadence.ts';
import { checkTrainSettings } from './check-settings.ts';
import {
  readCheckpoint,
  readNewestCheckpoint,
  removePartialCheckpoints,
  writeCheckpoint,
} from './checkpoints/checkpoint.ts';
import { frozenBy } from './freeze.ts';
import { openOnPolicySteps } from './on-policy/steps.ts';
import type { TrainCandidate } from './pairs/invert-candidates.ts';
import { openPairSteps } from './pairs/pair-steps.ts';
import { createPolicy, type Policy, type TunedFiles } from './policy.ts';
import { isOnPolicy, learningRateAt, type TrainSettings } from './settings.ts';
import type { Steps } from './steps.ts';
import { openRunTelemetry, type TelemetryFiles } from './telemetry/run-telemetry.ts';
import type { StepTelemetry } from './telemetry/telemetry.ts';
import type { TrainOptions, TrainProgress } from './train-options.ts';
import { type MeasuredFiles, openValidation, type Validation } from './validation/validation.ts';

export type { TrainCandidate, TrainOptions, TrainProgress };

export interface TrainResult extends TunedFiles, TelemetryFiles {
  validation?: MeasuredFiles;
}

export async function trainPairs(options: TrainOptions): Promise<TrainResult> {
  const { engine, model, settings, folder, onProgress } = options;
  const schedule = parseSchedule(model.scheduler);
  checkTrainSettings(settings);
  const measured = settings.validation && validationOptions(options);
  checkModel(model, settings, schedule);
  await removePartialCheckpoints(folder);
  const resumed = await readNewestCheckpoint(folder);
  const fromStep = resumed?.step ?? 0;
  const steps = await openSteps(options, schedule, fromStep);
  await mkdir(folder, { recursive: true });
  const policy = createPolicy(engine, model, settings, resumed);
  try {
    const { record, files } = await openRunTelemetry(folder, fromStep);
    const validation = measured && (await openValidation(measured, fromStep, steps.together));
    await validation?.measure(fromStep, policy);
    for (let step = fromStep + 1; step <= settings.steps; step++) {
      const started = performance.now();
      const learningRate = learningRateAt(settings, step);
      const outcome = await steps.take(step, policy, learningRate);
      const seconds = (performance.now() - started) / 1000;
      const telemetry: StepTelemetry = {
        ...{ step, at: Date.now() / 1000, ...outcome, learningRate, seconds },
        tensors: engine.tf.memory().numTensors,
      };
      checkLoss(telemetry, settings);
      const alarms = record(telemetry);
      const due = isDue(step, settings.checkpointEvery, steps.together) || validation?.isDue(step);
      const checkpoint = due === true && step % steps.together === 0;
      const save = () => writeCheckpoint(folder, policy, validation?.best());
      if (checkpoint) await save();
      try {
        await onProgress({
          phase: 'train',
          done: step,
          total: settings.steps,
          telemetry,
          alarms,
          checkpoint,
        });
      } catch (thrown) {
        // Whoever goes on does so behind this step. One that was stopped for another reason may have lost its lease.
        if (isPause(thrown) && step % steps.together === 0) await save();
        throw thrown;
      }
      validation?.note(telemetry.loss);
      await validation?.measure(step, policy);
    }
    const tuned = await finish(options, policy, validation);
    await steps.done();
    return { ...tuned, ...files, ...(validation && { validation: validation.files() }) };
  } finally {
    policy.dispose();
    steps.close();
  }
}

const isPause = (thrown: unknown) => thrown instanceof DiptychError && thrown.code === 'DIPTYCH_PAUSED';

/** What `openValidation` needs of a run that has `settings.validation`. */
function validationOptions({ judge, validation, ...run }: TrainOptions) {
  if (judge && validation) return { ...run, judge, ...validation };
  throw new DiptychError(
    'DIPTYCH_INVALID_INPUT',
    `settings.validation is set, but there is no ${judge ? '`validation`, the scenes to measure on' : '`judge`, which measures'}`,
  );
}

/** Writes the tuned model: the policy as it is, or as it was at the best step. */
async function finish(
  { engine, model, settings, folder }: TrainOptions,
  policy: Policy,
  validation: Validation | undefined,
): Promise<TunedFiles> {
  const best = settings.validation?.tuned === 'best' ? (validation?.best() ?? null) : null;
  if (best === null || best === settings.steps) return policy.finish(folder);
  const chosen = createPolicy(engine, model, settings, await readCheckpoint(folder, best));
  try {
    return await chosen.finish(folder);
  } finally {
    chosen.dispose();
  }
}

function openSteps(options: TrainOptions, schedule: Schedule, fromStep: number): Promise<Steps> {
  const { settings } = options;
  const { objective } = settings;
  return isOnPolicy(objective)
    ? openOnPolicySteps({ ...options, settings: { ...settings, objective } }, schedule, fromStep)
    : openPairSteps({ ...options, settings: { ...settings, objective } }, schedule, fromStep);
}

function checkModel(
  { unet: { specs } }: DiffusionModel,
  { freeze = [] }: TrainSettings,
  schedule: Schedule,
): void {
  if (schedule.predictionType !== 'epsilon') {
    throw new DiptychError(
      'DIPTYCH_BAD_MODEL',
      `the model predicts "${schedule.predictionType}"; preference training needs "epsilon"`,
    );
  }
  const unknown = freeze.find((pattern) => !specs.some(({ name }) => frozenBy([pattern])(name)));
  if (unknown !== undefined) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `train.freeze has "${unknown}", which no parameter of the UNet is named like; "${specs[0]!.name}" is one`,
    );
  }
  if (specs.every(({ name }) => frozenBy(freeze)(name))) {
    throw new DiptychError('DIPTYCH_INVALID_INPUT', 'train.freeze leaves no parameter to train');
  }
}

function checkLoss({ loss, step }: StepTelemetry, { learningRate, beta }: TrainSettings): void {
  if (Number.isFinite(loss)) return;
  throw new DiptychError(
    'DIPTYCH_INVALID_INPUT',
    `the loss is ${loss} at step ${step}; lower \`learningRate\` (${learningRate}) or \`beta\` (${beta})`,
  );
}

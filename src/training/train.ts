/**
 * Preference training: pairs in, a tuned UNet out. First every candidate that a pair needs is inverted under
 * the reference, once; then optimizer steps over a seeded stream of pairs. A step is a function of the settings,
 * its number and the weights, so a run that was stopped and resumed ends with the same bits.
 */
import { mkdir } from 'node:fs/promises';
import { parseSchedule, type Schedule } from '../diffusion/schedule.ts';
import type { Engine } from '../engine/engine.ts';
import { DiptychError } from '../errors.ts';
import type { DiffusionModel } from '../models/model-folder.ts';
import { disposeCondition, encodeEmpty, encodePrompts } from '../models/text-condition.ts';
import { type Pair, pairBatch, pairedCandidates } from '../preference/pairs.ts';
import { createRandom, hashSeed } from '../random.ts';
import type { Alarm } from './alarms.ts';
import { checkTrainSettings } from './check-settings.ts';
import { readNewestCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { stepEvaluations } from './evaluations.ts';
import { frozenBy } from './freeze.ts';
import { invertCandidates, type TrainCandidate } from './invert-candidates.ts';
import type { Judge } from './judge.ts';
import { pairFactors } from './pair-factors.ts';
import { createPolicy, type TunedFiles } from './policy.ts';
import { planRows } from './rows.ts';
import { openRunTelemetry, type TelemetryFiles } from './run-telemetry.ts';
import { learningRateAt, type TrainSettings } from './settings.ts';
import { type StepBatch, takeStep } from './step.ts';
import { disposeRows, loadRows } from './step-rows.ts';
import type { StepTelemetry } from './telemetry.ts';
import { timestepBuckets } from './timestep-buckets.ts';

export type { TrainCandidate };

export interface TrainOptions {
  engine: Engine;
  model: DiffusionModel;
  settings: TrainSettings;
  candidates: readonly TrainCandidate[];
  pairs: readonly Pair[];
  /** Folder of checkpoints, telemetry, the final model and, while it trains, of its trajectories. */
  folder: string;
  /**
   * Folder outside `folder` of trajectories that runs share, so that each candidate is inverted once; absent: `folder`
   * keeps them.
   */
  trajectories?: string;
  /** Most bytes in it between runs; absent: any. A run under way has what it needs, whatever the number. */
  trajectoryBytes?: number;
  /** Measures the policy's images; needed by what draws while it trains. */
  judge?: Judge;
  /** Called after every piece of work; throws to stop. */
  onProgress(progress: TrainProgress): void | Promise<void>;
}

export type TrainProgress =
  /** `evaluations`: of the UNet on an image, that the inversion took since the call. */
  | { phase: 'invert'; done: number; total: number; evaluations: number }
  | { phase: 'train'; done: number; total: number; telemetry: StepTelemetry; alarms: Alarm[] };

export interface TrainResult extends TunedFiles, TelemetryFiles {}

export async function trainPairs(options: TrainOptions): Promise<TrainResult> {
  const {
    engine,
    model,
    settings,
    pairs,
    folder,
    trajectories: shared,
    trajectoryBytes,
    onProgress,
  } = options;
  const schedule = parseSchedule(model.scheduler);
  checkTrainSettings(settings);
  checkInput(model, settings, schedule, pairs);
  await mkdir(folder, { recursive: true });
  const candidates = neededCandidates(options);
  const total = candidates.length;
  const trajectories = await invertCandidates({
    ...{ engine, model, settings, schedule, candidates, folder, trajectories: shared, trajectoryBytes },
    onProgress: (done, evaluations) => onProgress({ phase: 'invert', done, total, evaluations }),
  });
  const index = new Map(candidates.map(({ id }, i) => [id, i]));
  const factors = pairFactors(settings, pairs);
  const promptOf = new Map(candidates.map(({ id, prompt }) => [id, prompt]));

  const resumed = await readNewestCheckpoint(folder);
  const { config, weights: reference } = model.unet;
  const policy = createPolicy(engine, model, settings, resumed);
  const { record, files } = await openRunTelemetry(folder, resumed?.step ?? 0);
  const empty = encodeEmpty(engine, model);
  try {
    for (let step = (resumed?.step ?? 0) + 1; step <= settings.steps; step++) {
      const started = performance.now();
      const chosen = pairBatch(pairs.length, settings.pairsPerStep, settings.seed, step - 1);
      const random = createRandom(hashSeed('train-step', settings.seed, step));
      const batches: StepBatch[] = [];
      for (const part of parts(chosen, settings.accumulate)) {
        const batch = part.map((i) => pairs[i]!);
        const plans = batch.map(() => planRows(settings, schedule, random));
        const rows = await loadRows(engine, trajectories, index, batch, plans);
        const prompts = batch.map(({ winner }) => promptOf.get(winner)!);
        const condition = encodePrompts(engine, model, prompts);
        batches.push({ rows, condition, empty, factors: part.map((i) => factors[i]!) });
      }
      const learningRate = learningRateAt(settings, step);
      const models = { config, policy, reference };
      const { rows: seen, ...outcome } = takeStep(engine, models, settings, batches, learningRate);
      for (const { rows, condition } of batches) {
        disposeCondition(condition);
        disposeRows(rows);
      }
      const seconds = (performance.now() - started) / 1000;
      const telemetry: StepTelemetry = {
        ...{ step, at: Date.now() / 1000, ...outcome, learningRate, seconds },
        margin: outcome.winnerError - outcome.loserError,
        tensors: engine.tf.memory().numTensors,
        ...stepEvaluations(batches.map(({ rows }) => rows)),
        buckets: timestepBuckets(seen, schedule.trainSteps),
      };
      checkLoss(telemetry, settings);
      const alarms = record(telemetry);
      if (step % settings.checkpointEvery === 0) await writeCheckpoint(folder, policy);
      await onProgress({ phase: 'train', done: step, total: settings.steps, telemetry, alarms });
    }
    const tuned = await policy.finish(folder);
    await trajectories.release();
    return { ...tuned, ...files };
  } finally {
    policy.dispose();
    disposeCondition(empty);
  }
}

/** A list cut into so many parts of the same length, which must divide it. */
function parts<T>(list: readonly T[], count: number): T[][] {
  const size = list.length / count;
  return Array.from({ length: count }, (_, i) => list.slice(i * size, (i + 1) * size));
}

function checkInput(
  { unet: { specs } }: DiffusionModel,
  { rewardWeighted, objective, freeze = [] }: TrainSettings,
  schedule: Schedule,
  pairs: readonly Pair[],
): void {
  if (schedule.predictionType !== 'epsilon') {
    throw new DiptychError(
      'DIPTYCH_BAD_MODEL',
      `the model predicts "${schedule.predictionType}"; preference training needs "epsilon"`,
    );
  }
  if (pairs.length === 0) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      'there are no pairs to train on: every difference of rewards is within the margin. Lower `pairs.margin`.',
    );
  }
  if ((rewardWeighted || objective === 'smpo') && pairs.every(({ margin }) => margin === 0)) {
    const who = rewardWeighted ? 'train.rewardWeighted' : 'train.objective "smpo"';
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `${who} goes by the difference of rewards, and every pair's rewards are equal`,
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

/** Candidates that some pair mentions, in the order of the list. */
function neededCandidates({ candidates, pairs }: TrainOptions): TrainCandidate[] {
  const mentioned = pairedCandidates(pairs);
  return candidates.filter(({ id }) => mentioned.has(id));
}

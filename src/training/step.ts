/** One optimizer step of preference training: both models' predictions, the objective, the policy's update. */
import type { Engine, Tensor } from '../engine/engine.ts';
import type { FlatParameters, LossWithAux } from '../engine/flat-parameters.ts';
import { disposeWeights, type Weights } from '../engine/weights.ts';
import { checkpointed, straight } from '../models/run-block.ts';
import type { TextCondition } from '../models/unet.ts';
import type { UNetConfig } from '../models/unet-config.ts';
import { preferenceLoss } from './loss.ts';
import type { SideRows } from './objective.ts';
import { errorChange, errors } from './objectives/pair-loss.ts';
import type { PairFactors } from './pair-factors.ts';
import { predictNoise } from './predict-noise.ts';
import { selfInverted } from './self-inversion.ts';
import type { PairTrainSettings } from './settings.ts';
import type { StepRows } from './step-rows.ts';
import type { PairTelemetry } from './telemetry.ts';
import { orderedRightly, type RowValues } from './timestep-buckets.ts';

export interface StepModels {
  config: UNetConfig;
  /** Steps on losses of the UNet's weights, whatever parameters they are made of (policy.ts). */
  policy: Pick<FlatParameters, 'stepOnMean' | 'weights'>;
  reference: Weights;
}

export interface StepBatch {
  rows: StepRows;
  /** Of the pairs' prompts, B rows, and of no prompt, one row. */
  condition: TextCondition;
  empty: TextCondition;
  /** Of the B pairs. */
  factors: readonly PairFactors[];
}

export interface StepOutcome
  extends Pick<
    PairTelemetry,
    | 'loss'
    | 'accuracy'
    | 'winnerPolicyError'
    | 'loserPolicyError'
    | 'winnerError'
    | 'loserError'
    | 'gradNorm'
    | 'updateNorm'
  > {
  /** What the step saw, row by row; `inside` is that of the row's pair. */
  rows: RowValues;
}

type StepSettings = Pick<
  PairTrainSettings,
  'objective' | 'form' | 'beta' | 'guidance' | 'gradientCheckpointing'
>;

/** Updates the policy on the mean of micro-batches of as many pairs each; their tensors stay the caller's. */
export function takeStep(
  engine: Engine,
  models: StepModels,
  settings: StepSettings,
  batches: readonly StepBatch[],
  learningRate: number,
): StepOutcome {
  const { policy } = models;
  const inputs = batches.map((batch) => lossInputs(engine, models, settings, batch));
  const { loss, aux, gradNorm, updateNorm } = policy.stepOnMean(
    inputs.map((input) => (weights) => policyLoss(engine, models, settings, input, weights)),
    learningRate,
  );
  for (const { own } of inputs) engine.tf.dispose(own);
  const [inside, winnerError, loserError, winnerErrors, winnerChanges, loserErrors, loserChanges] = aux;
  return {
    loss,
    accuracy: mean(inside!.map(orderedRightly)),
    winnerPolicyError: mean(winnerErrors!),
    loserPolicyError: mean(loserErrors!),
    winnerError: mean(winnerError!),
    loserError: mean(loserError!),
    gradNorm,
    updateNorm,
    rows: {
      timesteps: batches.flatMap((batch) => batch.rows.timesteps),
      inside: inside!,
      winnerError: winnerChanges!,
      loserError: loserChanges!,
    },
  };
}

/** A batch with all that is constant in its loss. */
interface LossInputs {
  batch: StepBatch;
  /** States [2 R, ...], winners first, the targets there, and the reference's predictions. */
  x: Tensor;
  targets: [Tensor, Tensor] | null;
  reference: [Tensor, Tensor];
  /** What of this is not the batch's. */
  own: Tensor[];
}

function lossInputs(
  engine: Engine,
  { config, policy, reference }: StepModels,
  { guidance }: StepSettings,
  batch: StepBatch,
): LossInputs {
  const { tf } = engine;
  const { condition, empty } = batch;
  const { winner, loser, winnerTarget, loserTarget, timesteps, levels, ascents } = batch.rows;
  const both = [...timesteps, ...timesteps];
  let x = tf.concat([winner, loser], 0) as Tensor;
  let targets: LossInputs['targets'] = winnerTarget && loserTarget && [winnerTarget, loserTarget];
  const own: Tensor[] = [];
  if (ascents) {
    const weights = policy.weights();
    const up = (state: Tensor, t: number) =>
      predictNoise(
        engine,
        config,
        weights,
        { x: state, timesteps: both.map(() => t), condition, empty },
        guidance,
        straight(tf, weights),
      );
    const inverted = selfInverted(tf, up, x, ascents, [...levels, ...levels]);
    disposeWeights(weights);
    x.dispose();
    x = inverted.states;
    targets = tf.split(inverted.targets, 2, 0) as [Tensor, Tensor];
    inverted.targets.dispose();
    own.push(...targets);
  }
  const of = tf.tidy(() => {
    const predicted = predictNoise(
      engine,
      config,
      reference,
      { x, timesteps: both, condition, empty },
      guidance,
      straight(tf, reference),
    );
    return tf.split(predicted, 2, 0) as [Tensor, Tensor];
  });
  return { batch, x, targets, reference: of, own: [...own, x, ...of] };
}

function policyLoss(
  engine: Engine,
  { config, reference }: StepModels,
  settings: StepSettings,
  { batch, x, targets, reference: [referenceWinner, referenceLoser] }: LossInputs,
  weights: Weights,
): LossWithAux {
  const { tf } = engine;
  const { rows, condition, empty, factors } = batch;
  const runBlock = settings.gradientCheckpointing
    ? checkpointed(tf, weights, reference)
    : straight(tf, weights);
  const predicted = predictNoise(
    engine,
    config,
    weights,
    { x, timesteps: [...rows.timesteps, ...rows.timesteps], condition, empty },
    settings.guidance,
    runBlock,
  );
  const [winner, loser] = tf.split(predicted, 2, 0) as [Tensor, Tensor];
  const sides: [SideRows, SideRows] = [
    { policy: winner, reference: referenceWinner, target: targets?.[0] ?? null },
    { policy: loser, reference: referenceLoser, target: targets?.[1] ?? null },
  ];
  const result = preferenceLoss(tf, settings, rows.weights, factors, ...sides);
  // Of pairs, or of rows already where each row is a pair of its own.
  const inside = result.inside.tile([rows.timesteps.length / result.inside.size]);
  return {
    loss: result.loss,
    aux: [inside, result.winnerError, result.loserError, ...sides.flatMap(rowErrors)],
  };
}

/** [R] each: the policy's error, and how much larger it is than the reference's. */
function rowErrors({ policy, reference, target }: SideRows): Tensor[] {
  const side = { policy, reference, target: target ?? reference };
  return [errors(side), errorChange(side)];
}

const mean = (values: Float32Array) => values.reduce((sum, x) => sum + x, 0) / values.length;

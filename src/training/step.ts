/** One optimizer step of preference training: both models' predictions, the objective, the policy's update. */
import type { Engine, Tensor } from '../engine/engine.ts';
import type { FlatParameters } from '../engine/flat-parameters.ts';
import type { Weights } from '../engine/weights.ts';
import { checkpointed, type RunBlock, straight } from '../models/run-block.ts';
import { repeated } from '../models/text-condition.ts';
import { type TextCondition, unetForward } from '../models/unet.ts';
import type { UNetConfig } from '../models/unet-config.ts';
import { preferenceLoss, type SideRows } from './loss.ts';
import { errorChange, errors } from './objectives/pair-loss.ts';
import type { TrainSettings } from './settings.ts';
import type { StepRows } from './step-rows.ts';
import type { StepTelemetry } from './telemetry.ts';
import { orderedRightly, type RowValues } from './timestep-buckets.ts';

export interface StepModels {
  config: UNetConfig;
  /** Steps on a loss of the UNet's weights, whatever parameters they are made of (policy.ts). */
  policy: Pick<FlatParameters, 'step'>;
  reference: Weights;
}

export interface StepBatch {
  rows: StepRows;
  /** Of the pairs' prompts, B rows, and of no prompt, one row. */
  condition: TextCondition;
  empty: TextCondition;
}

export interface StepOutcome
  extends Pick<
    StepTelemetry,
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

type StepSettings = Pick<TrainSettings, 'objective' | 'form' | 'beta' | 'guidance' | 'gradientCheckpointing'>;

/** Updates the policy; the batch's tensors stay the caller's. */
export function takeStep(
  engine: Engine,
  { config, policy, reference }: StepModels,
  settings: StepSettings,
  batch: StepBatch,
  learningRate: number,
): StepOutcome {
  const { tf } = engine;
  const { rows, condition } = batch;
  const pairs = condition.states.shape[0]!;
  const predict = (weights: Weights, runBlock = straight(tf, weights)) =>
    predictNoise(engine, config, weights, batch, settings.guidance, runBlock);
  const [referenceWinner, referenceLoser] = tf.tidy(() => predict(reference));
  const { loss, aux, gradNorm, updateNorm } = policy.step((weights) => {
    const runBlock = settings.gradientCheckpointing ? checkpointed(tf, weights, reference) : undefined;
    const [policyWinner, policyLoser] = predict(weights, runBlock);
    const winner = { policy: policyWinner, reference: referenceWinner, target: rows.winnerTarget };
    const loser = { policy: policyLoser, reference: referenceLoser, target: rows.loserTarget };
    const result = preferenceLoss(tf, settings, rows.levels, pairs, winner, loser);
    const seen = [result.inside, result.winnerError, result.loserError];
    return { loss: result.loss, aux: [...seen, ...rowErrors(winner), ...rowErrors(loser)] };
  }, learningRate);
  tf.dispose([referenceWinner, referenceLoser]);
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
      timesteps: rows.timesteps,
      inside: Float32Array.from(rows.timesteps, (_, row) => inside![row % pairs]!),
      winnerError: winnerChanges!,
      loserError: loserChanges!,
    },
  };
}

/** [R] each: the policy's error, and how much larger it is than the reference's. */
function rowErrors({ policy, reference, target }: SideRows): Tensor[] {
  const side = { policy, reference, target: target ?? reference };
  return [errors(side), errorChange(side)];
}

/** Noise predictions for the winners' and the losers' rows, guided where asked: [R, ...] each. */
function predictNoise(
  engine: Engine,
  config: UNetConfig,
  weights: Weights,
  { rows, condition, empty }: StepBatch,
  guidance: number,
  runBlock: RunBlock,
): [Tensor, Tensor] {
  const { tf } = engine;
  const repeats = (2 * rows.timesteps.length) / condition.states.shape[0]!;
  const x = tf.concat([rows.winner, rows.loser], 0) as Tensor;
  const t = tf.tensor1d([...rows.timesteps, ...rows.timesteps], 'float32');
  const model = (rows: TextCondition) => unetForward(engine, config, weights, x, t, rows, runBlock);
  let output = model(repeated(tf, condition, repeats));
  if (guidance !== 1) {
    const without = model(repeated(tf, empty, x.shape[0]!));
    output = without.add(output.sub(without).mul(guidance));
  }
  return tf.split(output, 2, 0) as [Tensor, Tensor];
}

const mean = (values: Float32Array) => values.reduce((sum, x) => sum + x, 0) / values.length;

/** One optimizer step of preference training: both models' predictions, the objective, the policy's update. */
import type { Engine, Tensor } from '../engine/engine.ts';
import type { FlatParameters } from '../engine/flat-parameters.ts';
import type { Weights } from '../engine/weights.ts';
import { checkpointed, type RunBlock, straight } from '../models/run-block.ts';
import { repeated } from '../models/text-condition.ts';
import { type TextCondition, unetForward } from '../models/unet.ts';
import type { UNetConfig } from '../models/unet-config.ts';
import { preferenceLoss } from './loss.ts';
import type { TrainSettings } from './settings.ts';
import type { StepRows } from './step-rows.ts';
import type { StepTelemetry } from './telemetry.ts';

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

export type StepOutcome = Pick<
  StepTelemetry,
  'loss' | 'accuracy' | 'winnerError' | 'loserError' | 'gradNorm'
>;

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
  const { loss, aux, gradNorm } = policy.step((weights) => {
    const runBlock = settings.gradientCheckpointing ? checkpointed(tf, weights, reference) : undefined;
    const [policyWinner, policyLoser] = predict(weights, runBlock);
    const result = preferenceLoss(
      tf,
      settings,
      rows.levels,
      pairs,
      { policy: policyWinner, reference: referenceWinner, target: rows.winnerTarget },
      { policy: policyLoser, reference: referenceLoser, target: rows.loserTarget },
    );
    return { loss: result.loss, aux: [result.inside, result.winnerError, result.loserError] };
  }, learningRate);
  tf.dispose([referenceWinner, referenceLoser]);
  const [inside, winnerError, loserError] = aux as [Float32Array, Float32Array, Float32Array];
  return {
    loss,
    accuracy: mean(inside.map((x) => (x > 0 ? 1 : x === 0 ? 0.5 : 0))),
    winnerError: mean(winnerError),
    loserError: mean(loserError),
    gradNorm,
  };
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

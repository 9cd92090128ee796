/** One optimizer step of preference training: both models' predictions, the objective, the policy's update. */
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { FlatParameters, LossWithAux } from '../../engine/flat-parameters.ts';
import { traced } from '../../engine/traced.ts';
import { disposeWeights, type Weights } from '../../engine/weights.ts';
import { mean } from '../../mean.ts';
import { checkpointed, straight } from '../../models/layers/run-block.ts';
import type { TextCondition } from '../../models/unet/unet.ts';
import type { UNetConfig } from '../../models/unet/unet-config.ts';
import { errorChange, errors } from '../objectives/pair-loss.ts';
import { type PredictedStates, predictNoise } from '../predict-noise.ts';
import type { PairTrainSettings } from '../settings.ts';
import type { PairTelemetry } from '../telemetry/telemetry.ts';
import { orderedRightly, type RowValues } from '../telemetry/timestep-buckets.ts';
import { type LossWeights, lossWeights, preferenceLoss } from './loss.ts';
import type { SideRows } from './objective.ts';
import type { PairFactors } from './pair-factors.ts';
import { selfInverted } from './self-inversion.ts';
import type { StepRows } from './step-rows.ts';

export interface StepModels {
  config: UNetConfig;
  /** Steps on losses of the UNet's weights, whatever parameters they are made of (policy.ts). */
  policy: Pick<FlatParameters, 'stepper' | 'weights'>;
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

/**
 * Updates the policy on the mean of micro-batches of as many pairs each; their tensors stay the caller's. What it needs
 * is prepared once and then reused: by far the most of a step runs as one operation where the engine traces.
 */
export type PreferenceStep = (batches: readonly StepBatch[], learningRate: number) => StepOutcome;

export function preferenceStep(engine: Engine, models: StepModels, settings: StepSettings): PreferenceStep {
  const { config, policy, reference } = models;
  const predict = traced(engine, ({ weights, input }: { weights: Weights; input: PredictedStates }) =>
    predictNoise(engine, config, weights, input, settings.guidance, straight(engine.tf, weights)),
  );
  const step = policy.stepper((weights, input: LossInput) =>
    policyLoss(engine, config, settings, reference, weights, input),
  );
  return (batches, learningRate) => {
    const inputs = batches.map((batch) => lossInput(engine, models, predict, batch));
    const { loss, aux, gradNorm, updateNorm } = step(
      inputs.map(({ input }) => input),
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
  };
}

/** All that is constant in a batch's loss. */
type LossInput = {
  /** Winners first, [2 R, ...]. */
  noise: PredictedStates;
  /** Winners' and losers' targets, [R, ...] each, and the reference's predictions. */
  targets: [Tensor, Tensor] | null;
  reference: [Tensor, Tensor];
  weights: LossWeights;
};

type Predict = (given: { weights: Weights; input: PredictedStates }) => Tensor;

/** `own`: what of the input is not the batch's. */
function lossInput(
  { tf }: Engine,
  { policy, reference }: StepModels,
  predict: Predict,
  { rows, condition, empty, factors }: StepBatch,
): { input: LossInput; own: Tensor[] } {
  const { winner, loser, winnerTarget, loserTarget, timesteps, levels, ascents } = rows;
  const bothSides = (values: readonly number[]) => tf.tensor1d([...values, ...values], 'float32');
  let x = tf.concat([winner, loser], 0) as Tensor;
  let targets: LossInput['targets'] = winnerTarget && loserTarget && [winnerTarget, loserTarget];
  const own: Tensor[] = [];
  if (ascents) {
    const weights = policy.weights();
    const up = (x: Tensor, t: number) => {
      const timesteps = tf.fill([x.shape[0]!], t);
      return predict({ weights, input: { x, timesteps, condition, empty } });
    };
    const inverted = selfInverted(tf, up, x, ascents, [...levels, ...levels]);
    disposeWeights(weights);
    x.dispose();
    x = inverted.states;
    targets = tf.split(inverted.targets, 2, 0) as [Tensor, Tensor];
    inverted.targets.dispose();
    own.push(...targets);
  }
  const noise = { x, timesteps: bothSides(timesteps), condition, empty };
  const predicted = predict({ weights: reference, input: noise });
  const ofReference = tf.split(predicted, 2, 0) as [Tensor, Tensor];
  predicted.dispose();
  const weights = lossWeights(tf, rows.weights, factors);
  own.push(x, noise.timesteps, ...ofReference, ...Object.values(weights));
  return { input: { noise, targets, reference: ofReference, weights }, own };
}

function policyLoss(
  engine: Engine,
  config: UNetConfig,
  settings: StepSettings,
  frozen: Weights,
  weights: Weights,
  input: LossInput,
): LossWithAux {
  const { tf } = engine;
  const runBlock = settings.gradientCheckpointing ? checkpointed(tf, weights, frozen) : straight(tf, weights);
  const predicted = predictNoise(engine, config, weights, input.noise, settings.guidance, runBlock);
  const [winner, loser] = tf.split(predicted, 2, 0) as [Tensor, Tensor];
  const [referenceWinner, referenceLoser] = input.reference;
  const sides: [SideRows, SideRows] = [
    { policy: winner, reference: referenceWinner, target: input.targets?.[0] ?? null },
    { policy: loser, reference: referenceLoser, target: input.targets?.[1] ?? null },
  ];
  const result = preferenceLoss(tf, settings, input.weights, ...sides);
  // Of pairs, or of rows already where each row is a pair of its own.
  const inside = result.inside.tile([winner.shape[0]! / result.inside.size]);
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

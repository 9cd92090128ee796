/** One optimizer step on sampling steps of a round: densities of the steps that were taken, under the policy as it is. */
import { type StepFactors, stepMean } from '../../diffusion/ddim.ts';
import type { Schedule } from '../../diffusion/schedule.ts';
import { factorsPerRow, logDensity } from '../../diffusion/step-density.ts';
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { FlatParameters, LossWithAux } from '../../engine/flat-parameters.ts';
import type { Weights } from '../../engine/weights.ts';
import { mean } from '../../mean.ts';
import { checkpointed, type RunBlock, straight } from '../../models/layers/run-block.ts';
import type { TextCondition } from '../../models/unet/unet.ts';
import type { UNetConfig } from '../../models/unet/unet-config.ts';
import { predictNoise } from '../predict-noise.ts';
import type { OnPolicyObjective, TrainSettings } from '../settings.ts';
import type { OnPolicyTelemetry } from '../telemetry/telemetry.ts';
import { orderedRightly } from '../telemetry/timestep-buckets.ts';
import { ON_POLICY } from './objective.ts';

export interface OnPolicyModels {
  config: UNetConfig;
  schedule: Schedule;
  policy: Pick<FlatParameters, 'stepOnMean'>;
  reference: Weights;
}

/** Rows [R, ...] for U lessons: the first image of each, then the second of each where there is one. */
export interface OnPolicyBatch {
  /** States before and behind the steps. */
  x: Tensor;
  next: Tensor;
  timesteps: readonly number[];
  factors: readonly StepFactors[];
  /** Of the steps under the policy that took them. */
  logDensities: readonly number[];
  /** Of the rows' prompts; of no prompt, one row. */
  condition: TextCondition;
  empty: TextCondition;
  /** [U]. */
  signals: readonly number[];
}

type StepSettings = Pick<TrainSettings, 'beta' | 'guidance' | 'gradientCheckpointing'> & {
  objective: OnPolicyObjective;
};

/** Updates the policy on the mean of micro-batches of as many lessons each; their tensors stay the caller's. */
export function takeOnPolicyStep(
  engine: Engine,
  models: OnPolicyModels,
  settings: StepSettings,
  batches: readonly OnPolicyBatch[],
  learningRate: number,
): Pick<OnPolicyTelemetry, 'loss' | 'gradNorm' | 'updateNorm' | 'clipped' | 'accuracy'> {
  const { tf } = engine;
  const { reference, policy } = models;
  const objective = ON_POLICY[settings.objective];
  const divisors = batches.map((batch) =>
    objective.ratioTo === 'sampler'
      ? (tf.tensor1d([...batch.logDensities]) as Tensor)
      : tf.tidy(() => densities(engine, models, settings, batch, reference, straight(tf, reference))),
  );
  const lossOf = (batch: OnPolicyBatch, divisor: Tensor, weights: Weights): LossWithAux => {
    const runBlock = settings.gradientCheckpointing
      ? checkpointed(tf, weights, reference)
      : straight(tf, weights);
    const logRatio = densities(engine, models, settings, batch, weights, runBlock).sub(divisor) as Tensor;
    const lessons = batch.signals.length;
    const ofImage = Array.from({ length: objective.images }, (_, i) => logRatio.slice(i * lessons, lessons));
    const { losses, inside } = objective.loss(tf, ofImage, tf.tensor1d([...batch.signals]), settings.beta);
    return { loss: losses.mean(), aux: [logRatio, ...(inside ? [inside] : [])] };
  };
  const { loss, aux, gradNorm, updateNorm } = policy.stepOnMean(
    batches.map((batch, i) => (weights) => lossOf(batch, divisors[i]!, weights)),
    learningRate,
  );
  tf.dispose(divisors);
  const [logRatio, inside] = aux;
  const isOutside = (log: number) => Number(Math.abs(Math.exp(log) - 1) > objective.clip);
  return {
    ...{ loss, gradNorm, updateNorm },
    clipped: mean(logRatio!.map(isOutside)),
    ...(inside && { accuracy: mean(inside.map(orderedRightly)) }),
  };
}

/** Log densities [R] of the steps that were taken, under some weights. */
function densities(
  engine: Engine,
  { config, schedule }: OnPolicyModels,
  { guidance }: StepSettings,
  batch: OnPolicyBatch,
  weights: Weights,
  runBlock: RunBlock,
): Tensor {
  const { tf } = engine;
  const { x, next, factors } = batch;
  const timesteps = tf.tensor1d([...batch.timesteps], 'float32');
  const output = predictNoise(engine, config, weights, { ...batch, timesteps }, guidance, runBlock);
  const mean = stepMean(schedule, x, output, factorsPerRow(tf, factors, x.rank));
  return logDensity(
    tf,
    next,
    mean,
    factors.map(({ sigma }) => sigma),
  );
}

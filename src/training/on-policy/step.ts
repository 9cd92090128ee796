/** One optimizer step on sampling steps of a round: densities of the steps that were taken, under the policy as it is. */
import { type StepFactors, stepMean } from '../../diffusion/ddim.ts';
import type { Schedule } from '../../diffusion/schedule.ts';
import { logDensity } from '../../diffusion/step-density.ts';
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { FlatParameters, LossWithAux } from '../../engine/flat-parameters.ts';
import { traced } from '../../engine/traced.ts';
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
  policy: Pick<FlatParameters, 'stepper'>;
  reference: Weights;
}

/** Rows [R, ...] for U lessons: the first image of each, then the second of each where there is one. */
export type OnPolicyBatch = {
  /** States before and behind the steps. */
  x: Tensor;
  next: Tensor;
  /** [R]. */
  timesteps: Tensor;
  /** [R, 1, ...] each. */
  factors: StepFactors<Tensor>;
  /** Of the steps under the policy that took them, [R]. */
  logDensities: Tensor;
  /** Of the rows' prompts; of no prompt, one row. */
  condition: TextCondition;
  empty: TextCondition;
  /** [U]. */
  signals: Tensor;
};

type StepSettings = Pick<TrainSettings, 'beta' | 'guidance' | 'gradientCheckpointing'> & {
  objective: OnPolicyObjective;
};

export type OnPolicyOutcome = Pick<
  OnPolicyTelemetry,
  'loss' | 'gradNorm' | 'updateNorm' | 'clipped' | 'accuracy'
>;

/**
 * Updates the policy on the mean of micro-batches of as many lessons each; their tensors stay the caller's. What it needs
 * is prepared once and then reused: by far the most of a step runs as one operation where the engine traces.
 */
export type OnPolicyStep = (batches: readonly OnPolicyBatch[], learningRate: number) => OnPolicyOutcome;

export function onPolicyStep(engine: Engine, models: OnPolicyModels, settings: StepSettings): OnPolicyStep {
  const { tf } = engine;
  const { reference, policy } = models;
  const objective = ON_POLICY[settings.objective];
  const underReference = traced(engine, ({ weights, batch }: { weights: Weights; batch: OnPolicyBatch }) =>
    densities(engine, models, settings, batch, weights, straight(tf, weights)),
  );
  const step = policy.stepper(
    (weights, { batch, divisor }: { batch: OnPolicyBatch; divisor: Tensor }): LossWithAux => {
      const runBlock = settings.gradientCheckpointing
        ? checkpointed(tf, weights, reference)
        : straight(tf, weights);
      const logRatio = densities(engine, models, settings, batch, weights, runBlock).sub(divisor) as Tensor;
      const lessons = batch.signals.shape[0]!;
      const ofImage = Array.from({ length: objective.images }, (_, i) =>
        logRatio.slice(i * lessons, lessons),
      );
      const { losses, inside } = objective.loss(tf, ofImage, batch.signals, settings.beta);
      return { loss: losses.mean(), aux: [logRatio, ...(inside ? [inside] : [])] };
    },
  );
  const isOutside = (log: number) => Number(Math.abs(Math.exp(log) - 1) > objective.clip);
  return (batches, learningRate) => {
    const inputs = batches.map((batch) => ({
      batch,
      divisor:
        objective.ratioTo === 'sampler'
          ? batch.logDensities.clone()
          : underReference({ weights: reference, batch }),
    }));
    const { loss, aux, gradNorm, updateNorm } = step(inputs, learningRate);
    for (const { divisor } of inputs) divisor.dispose();
    const [logRatio, inside] = aux;
    return {
      ...{ loss, gradNorm, updateNorm },
      clipped: mean(logRatio!.map(isOutside)),
      ...(inside && { accuracy: mean(inside.map(orderedRightly)) }),
    };
  };
}

/** Log densities [R] of the steps that were taken, under some weights. */
function densities(
  engine: Engine,
  { config, schedule }: Pick<OnPolicyModels, 'config' | 'schedule'>,
  { guidance }: StepSettings,
  batch: OnPolicyBatch,
  weights: Weights,
  runBlock: RunBlock,
): Tensor {
  const { x, next, factors } = batch;
  const output = predictNoise(engine, config, weights, batch, guidance, runBlock);
  return logDensity(next, stepMean(schedule, x, output, factors), factors.sigma.flatten());
}

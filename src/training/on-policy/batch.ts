/** The tensors of an optimizer step on a round: the sampling steps of its lessons, as they were taken. */
import { factorsPerRow } from '../../diffusion/step-density.ts';
import type { Engine, Tensor } from '../../engine/engine.ts';
import { tensorsOf } from '../../engine/tensor-tree.ts';
import type { DiffusionModel } from '../../models/folders/model-folder.ts';
import { encodePrompts } from '../../models/inputs/text-condition.ts';
import type { TextCondition } from '../../models/unet/unet.ts';
import type { LessonStep } from './plan.ts';
import type { NoisyStep, Trajectory } from './round.ts';
import type { OnPolicyBatch } from './step.ts';

/** Lessons of as many images each; the caller disposes it. */
export function loadBatch(
  engine: Engine,
  model: DiffusionModel,
  trajectories: readonly Trajectory[],
  noisy: readonly NoisyStep[],
  chosen: readonly LessonStep[],
  empty: TextCondition,
): OnPolicyBatch {
  const { tf } = engine;
  const { sampleSize, inChannels } = model.unet.config;
  const shape = [sampleSize, sampleSize, inChannels];
  const size = sampleSize * sampleSize * inChannels;
  const taken = chosen[0]!.lesson.images.flatMap((_, side) =>
    chosen.map(({ lesson, at }) => ({ trajectory: trajectories[lesson.images[side]!]!, at })),
  );
  /** States before the steps, or behind them. */
  const stacked = (offset: 0 | 1): Tensor => {
    const values = new Float32Array(taken.length * size);
    for (const [i, { trajectory, at }] of taken.entries())
      values.set(trajectory.states.subarray((at + offset) * size, (at + offset + 1) * size), i * size);
    return tf.tensor(values, [taken.length, ...shape], 'float32');
  };
  const prompts = taken.map(({ trajectory }) => trajectory.scene.prompt);
  return {
    x: stacked(0),
    next: stacked(1),
    timesteps: tf.tensor1d(
      taken.map(({ at }) => noisy[at]!.t),
      'float32',
    ),
    factors: factorsPerRow(
      tf,
      taken.map(({ at }) => noisy[at]!.factors),
      1 + shape.length,
    ),
    logDensities: tf.tensor1d(taken.map(({ trajectory, at }) => trajectory.logDensities[at]!)) as Tensor,
    condition: encodePrompts(engine, model, prompts),
    empty,
    signals: tf.tensor1d(chosen.map(({ lesson }) => lesson.signal)) as Tensor,
  };
}

/** All but `empty`, which is not the batch's own. */
export function disposeBatch({ tf }: Engine, { empty: _, ...own }: OnPolicyBatch): void {
  tf.dispose(tensorsOf(own));
}

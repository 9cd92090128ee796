/** Noise predictions of a UNet in training: every row at its own timestep, guided where asked. */
import type { Engine, Tensor } from '../engine/engine.ts';
import type { Weights } from '../engine/weights.ts';
import type { RunBlock } from '../models/run-block.ts';
import { repeated } from '../models/text-condition.ts';
import { type TextCondition, unetForward } from '../models/unet.ts';
import type { UNetConfig } from '../models/unet-config.ts';

export interface PredictedStates {
  /** [R, ...]. */
  x: Tensor;
  /** Of the R rows. */
  timesteps: readonly number[];
  /** Of prompts, as many rows as divide R: they are repeated. */
  condition: TextCondition;
  /** Of no prompt, one row. */
  empty: TextCondition;
}

/** [R, ...]; without guidance (1) the empty prompt is not asked about. */
export function predictNoise(
  engine: Engine,
  config: UNetConfig,
  weights: Weights,
  { x, timesteps, condition, empty }: PredictedStates,
  guidance: number,
  runBlock: RunBlock,
): Tensor {
  const { tf } = engine;
  const t = tf.tensor1d([...timesteps], 'float32');
  const model = (rows: TextCondition) => unetForward(engine, config, weights, x, t, rows, runBlock);
  const prompted = model(repeated(tf, condition, x.shape[0]! / condition.states.shape[0]!));
  if (guidance === 1) return prompted;
  const without = model(repeated(tf, empty, x.shape[0]!));
  return without.add(prompted.sub(without).mul(guidance));
}

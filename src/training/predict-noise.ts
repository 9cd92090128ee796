/** Noise predictions of a UNet in training: every row at its own timestep, guided where asked. */
import type { Engine, Tensor } from '../engine/engine.ts';
import type { Weights } from '../engine/weights.ts';
import { repeated } from '../models/inputs/text-condition.ts';
import type { RunBlock } from '../models/layers/run-block.ts';
import { type TextCondition, unetForward } from '../models/unet/unet.ts';
import type { UNetConfig } from '../models/unet/unet-config.ts';

// A type, not an interface: so that traced functions take it.
export type PredictedStates = {
  /** [R, ...]. */
  x: Tensor;
  /** Of the rows, [R]. */
  timesteps: Tensor;
  /** Of prompts, as many rows as divide R: they are repeated. */
  condition: TextCondition;
  /** Of no prompt, one row. */
  empty: TextCondition;
};

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
  const model = (rows: TextCondition) => unetForward(engine, config, weights, x, timesteps, rows, runBlock);
  const prompted = model(repeated(tf, condition, x.shape[0]! / condition.states.shape[0]!));
  if (guidance === 1) return prompted;
  const without = model(repeated(tf, empty, x.shape[0]!));
  return without.add(prompted.sub(without).mul(guidance));
}

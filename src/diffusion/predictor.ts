/** A model's output at one timestep, as samplers want it: conditions bound, guidance applied. */
import type { Engine, Tensor } from '../engine/engine.ts';
import type { Weights } from '../engine/weights.ts';
import { unetForward } from '../models/unet.ts';
import type { UNetConfig } from '../models/unet-config.ts';

/** Output of the model for x [B, ...] at timestep t. */
export type Predictor = (x: Tensor, t: number) => Tensor;

export interface Conditions {
  /** Text states of the prompts, [B, L, D]. */
  prompt: Tensor;
  /** Text states of the empty prompt, [1, L, D]; used when guidance differs from 1. */
  empty: Tensor;
}

/**
 * Classifier-free guidance (Ho and Salimans, arXiv 2207.12598): empty + guidance * (prompt - empty), both from
 * one call on a doubled batch. Guidance 1 calls the model once, without the empty prompt.
 */
export function guidedPredictor(
  engine: Engine,
  config: UNetConfig,
  weights: Weights,
  { prompt, empty }: Conditions,
  guidance: number,
): Predictor {
  const { tf } = engine;
  const batch = prompt.shape[0]!;
  return (x, t) => {
    if (guidance === 1) return unetForward(engine, config, weights, x, tf.fill([batch], t), prompt);
    const context = tf.concat([tf.tile(empty, [batch, 1, 1]), prompt], 0) as Tensor;
    const doubled = tf.concat([x, x], 0) as Tensor;
    const both = unetForward(engine, config, weights, doubled, tf.fill([2 * batch], t), context);
    const [without, withPrompt] = tf.split(both, 2, 0) as [Tensor, Tensor];
    return without.add(withPrompt.sub(without).mul(guidance));
  };
}

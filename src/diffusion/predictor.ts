/** A model's output at one timestep, as samplers want it: conditions bound, guidance applied. */
import type { Engine, Tensor } from '../engine/engine.ts';
import type { Weights } from '../engine/weights.ts';
import { joined, repeated } from '../models/text-condition.ts';
import { type TextCondition, unetForward } from '../models/unet.ts';
import type { UNetConfig } from '../models/unet-config.ts';

/** Output of the model for x [B, ...] at timestep t. */
export type Predictor = (x: Tensor, t: number) => Tensor;

export interface Conditions {
  /** Of the prompts, B rows. */
  prompt: TextCondition;
  /** Of no prompt, one row; used when guidance differs from 1. */
  empty: TextCondition;
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
  const batch = prompt.states.shape[0]!;
  return (x, t) => {
    if (guidance === 1) return unetForward(engine, config, weights, x, tf.fill([batch], t), prompt);
    const condition = joined(tf, repeated(tf, empty, batch), prompt);
    const doubled = tf.concat([x, x], 0) as Tensor;
    const both = unetForward(engine, config, weights, doubled, tf.fill([2 * batch], t), condition);
    const [without, withPrompt] = tf.split(both, 2, 0) as [Tensor, Tensor];
    return without.add(withPrompt.sub(without).mul(guidance));
  };
}

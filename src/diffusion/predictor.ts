/** A model's output at one timestep, as samplers want it: conditions bound, guidance applied. */
import type { Engine, Tensor } from '../engine/engine.ts';
import { remembered } from '../engine/raw-ops.ts';
import { traced } from '../engine/traced.ts';
import type { Weights } from '../engine/weights.ts';
import { joined, repeated } from '../models/inputs/text-condition.ts';
import { type TextCondition, unetForward } from '../models/unet/unet.ts';
import type { UNetConfig } from '../models/unet/unet-config.ts';

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
  const { plain, guided } = predictions(engine, config);
  return (x, t) =>
    tf.tidy(() => {
      if (guidance === 1) return plain({ weights, x, t: tf.fill([batch], t), prompt });
      return guided({ weights, x, t: tf.fill([2 * batch], t), prompt, empty, guidance: tf.scalar(guidance) });
    });
}

type PlainInput = { weights: Weights; x: Tensor; t: Tensor; prompt: TextCondition };
type GuidedInput = PlainInput & { empty: TextCondition; guidance: Tensor };

interface Predictions {
  plain(input: PlainInput): Tensor;
  guided(input: GuidedInput): Tensor;
}

const made = new WeakMap<Engine, Map<string, Predictions>>();

/** Those of a network's configuration, whatever its weights: a base model and the one tuned from it share them. */
function predictions(engine: Engine, config: UNetConfig): Predictions {
  const ofEngine = remembered(made, engine, () => new Map<string, Predictions>());
  return remembered(ofEngine, JSON.stringify(config), () => createPredictions(engine, config));
}

function createPredictions(engine: Engine, config: UNetConfig): Predictions {
  const { tf } = engine;
  return {
    plain: traced(engine, ({ weights, x, t, prompt }: PlainInput) =>
      unetForward(engine, config, weights, x, t, prompt),
    ),
    guided: traced(engine, ({ weights, x, t, prompt, empty, guidance }: GuidedInput) => {
      const condition = joined(tf, repeated(tf, empty, x.shape[0]!), prompt);
      const both = unetForward(engine, config, weights, tf.concat([x, x], 0) as Tensor, t, condition);
      const [without, withPrompt] = tf.split(both, 2, 0) as [Tensor, Tensor];
      return without.add(withPrompt.sub(without).mul(guidance));
    }),
  };
}

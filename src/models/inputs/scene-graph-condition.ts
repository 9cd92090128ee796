/**
 * SDXL-SG's condition (mengcye/LAION-SG: sg_encoder.py): the states of the flat text, changed by the scene-graph
 * encoder. A prompt without triples has nothing to encode and keeps the states that it has without the encoder; so
 * does the empty prompt of guidance.
 */
import type { Engine, Tensor, Tf } from '../../engine/engine.ts';
import type { Weights } from '../../engine/weights.ts';
import type { DiffusionModel } from '../folders/model-folder.ts';
import { type SceneGraphStates, sceneGraphEncoderForward } from '../scene-graph/scene-graph-encoder.ts';
import type { SceneGraphEncoderConfig } from '../scene-graph/scene-graph-encoder-parameters.ts';
import type { TextCondition } from '../unet/unet.ts';
import type { Prompt } from './prompt.ts';
import { encodeTexts, innerStates } from './text-states.ts';

/** All of a condition that does not depend on the scene-graph encoder's weights; one row a prompt. */
export type PromptStates = {
  text: TextCondition;
  /** Null where no prompt has triples. */
  graphs: SceneGraphStates | null;
};

const DASH = '-';

/** The caller disposes them (tf.dispose). */
export function promptStates(
  engine: Engine,
  model: DiffusionModel,
  prompts: readonly Prompt[],
): PromptStates {
  const { tf } = engine;
  return tf.tidy(() => {
    const texts = prompts.map(({ text }) => text);
    const text = encodeTexts(engine, model, texts);
    const phrases = [...new Set(prompts.flatMap(({ triples }) => triples.flat()))];
    if (phrases.length === 0) return { text, graphs: null } as never;
    const [dash, ...states] = innerStates(engine, model, [DASH, ...phrases]);
    const numbers = new Map(phrases.map((phrase, i) => [phrase, i]));
    const graphs = prompts.map(({ triples }) =>
      triples.map((triple) => triple.map((phrase) => numbers.get(phrase)!) as [number, number, number]),
    );
    const lengths = texts.map((text) => model.texts[0]!.tokenizer.unpadded(text).length);
    const flat = endsRepeated(
      tf,
      text.states,
      lengths.map((length, i) => (graphs[i]!.length > 0 ? length : Number.POSITIVE_INFINITY)),
    );
    const bodies = lengths.map((length) => length - 2);
    // tidy follows every tensor in there, but its types know neither null nor a readonly tuple.
    return { text, graphs: { phrases: states, dash, graphs, flat, bodies } } as never;
  });
}

/** States [B, R, D] whose rows after the first `lengths` are the last of those: EOS in the place of padding. */
function endsRepeated(tf: Tf, states: Tensor, lengths: readonly number[]): Tensor {
  const [, rows, width] = states.shape as [number, number, number];
  const from = lengths.flatMap((length, i) =>
    Array.from({ length: rows }, (_, row) => i * rows + Math.min(row, length - 1)),
  );
  return tf.gather(states.reshape([-1, width]), tf.tensor1d(from, 'int32')).reshape(states.shape);
}

/** Differentiable in `weights`. Throws as sceneGraphEncoderForward does. */
export function sceneGraphCondition(
  engine: Engine,
  config: SceneGraphEncoderConfig,
  weights: Weights,
  { text, graphs }: PromptStates,
): TextCondition {
  if (!graphs) return text;
  return { ...text, states: sceneGraphEncoderForward(engine, config, weights, graphs).contexts };
}

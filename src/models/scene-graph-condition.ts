/**
 * SDXL-SG's condition (mengcye/LAION-SG: sg_encoder.py): the states of the flat text, changed by the scene-graph
 * encoder. A prompt without triples has nothing to encode and keeps the states that it has without the encoder; so
 * does the empty prompt of guidance.
 */
import type { Engine, Tensor } from '../engine/engine.ts';
import type { Weights } from '../engine/weights.ts';
import type { DiffusionModel } from './model-folder.ts';
import type { Prompt } from './prompt.ts';
import { type SceneGraphStates, sceneGraphEncoderForward } from './scene-graph-encoder.ts';
import type { SceneGraphEncoderConfig } from './scene-graph-encoder-parameters.ts';
import { encodeTexts, innerStates } from './text-states.ts';
import type { TextCondition } from './unet.ts';

/** All of a condition that does not depend on the scene-graph encoder's weights; one row a prompt. */
export type PromptStates = {
  text: TextCondition;
  /** What the encoder sees of each prompt; null where it has no triples. */
  graphs: (SceneGraphStates | null)[];
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
    const text = encodeTexts(
      engine,
      model,
      prompts.map(({ text }) => text),
    );
    const phrases = [...new Set([DASH, ...prompts.flatMap(({ triples }) => triples.flat())])];
    const states = new Map(innerStates(engine, model, phrases).map((t, i) => [phrases[i]!, t]));
    const graphs = prompts.map(({ text: flatText, triples }, row): SceneGraphStates | null => {
      if (triples.length === 0) return null;
      const [, rows, width] = text.states.shape as [number, number, number];
      const length = model.texts[0]!.tokenizer.unpadded(flatText).length;
      const own = [...new Set(triples.flat())];
      return {
        phrases: own.map((phrase) => states.get(phrase)!.clone()),
        triples: triples.map(
          (triple) => triple.map((phrase) => own.indexOf(phrase)) as [number, number, number],
        ),
        dash: states.get(DASH)!.clone(),
        flat: tf.slice(text.states, [row, 0, 0], [1, length, width]).reshape([length, width]) as Tensor,
        rows,
      };
    });
    // tidy follows every tensor in there, but its types know neither null nor a readonly tuple.
    return { text, graphs } as never;
  });
}

/** Differentiable in `weights`. Throws as sceneGraphEncoderForward does. */
export function sceneGraphCondition(
  engine: Engine,
  config: SceneGraphEncoderConfig,
  weights: Weights,
  { text, graphs }: PromptStates,
): TextCondition {
  const { tf } = engine;
  return tf.tidy(() => {
    const rows = tf.unstack(text.states) as Tensor[];
    const contexts = graphs.map((graph, i) =>
      graph ? sceneGraphEncoderForward(engine, config, weights, graph).context : rows[i]!,
    );
    return { ...text, states: tf.stack(contexts) as Tensor };
  });
}

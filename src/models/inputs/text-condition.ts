/** Prompts as what a UNet is told about them, and what is done with such conditions. */
import type { Engine, Tensor, Tf } from '../../engine/engine.ts';
import type { DiffusionModel } from '../folders/model-folder.ts';
import type { TextCondition } from '../unet/unet.ts';
import type { Prompt } from './prompt.ts';
import { promptStates, sceneGraphCondition } from './scene-graph-condition.ts';
import { encodeTexts } from './text-states.ts';

/**
 * Conditions of prompts, one row each; the caller disposes them. The text's, and where the model has a scene-graph
 * encoder, changed by it for every prompt with triples.
 */
export function encodePrompts(
  engine: Engine,
  model: DiffusionModel,
  prompts: readonly Prompt[],
): TextCondition {
  const { sceneGraph } = model;
  if (!sceneGraph)
    return encodeTexts(
      engine,
      model,
      prompts.map(({ text }) => text),
    );
  const { config, weights } = sceneGraph;
  return engine.tf.tidy(() =>
    sceneGraphCondition(engine, config, weights, promptStates(engine, model, prompts)),
  );
}

/**
 * The condition that guidance leads away from: the empty prompt, or zeros where the model folder says
 * `force_zeros_for_empty_prompt`. One row.
 */
export function encodeEmpty(engine: Engine, model: DiffusionModel): TextCondition {
  const { tf } = engine;
  return tf.tidy(() => {
    const empty = encodeTexts(engine, model, ['']);
    if (!model.zerosForEmpty) return empty;
    const { states, added } = empty;
    const zeros = added && { ...added, textEmbeds: tf.zerosLike(added.textEmbeds) };
    return { states: tf.zerosLike(states), ...(zeros && { added: zeros }) };
  });
}

/** The rows of a condition, all of them `times` over. */
export const repeated = (tf: Tf, condition: TextCondition, times: number): TextCondition =>
  mapped(condition, (t) => tf.tile(t, [times, ...t.shape.slice(1).map(() => 1)]));

/** The rows of one condition, then those of another. */
export function joined(tf: Tf, a: TextCondition, b: TextCondition): TextCondition {
  const concat = (x: Tensor, y: Tensor) => tf.concat([x, y], 0) as Tensor;
  return {
    states: concat(a.states, b.states),
    ...(a.added &&
      b.added && {
        added: {
          textEmbeds: concat(a.added.textEmbeds, b.added.textEmbeds),
          timeIds: concat(a.added.timeIds, b.added.timeIds),
        },
      }),
  };
}

export function disposeCondition({ states, added }: TextCondition): void {
  for (const tensor of [states, added?.textEmbeds, added?.timeIds]) tensor?.dispose();
}

function mapped({ states, added }: TextCondition, change: (t: Tensor) => Tensor): TextCondition {
  return {
    states: change(states),
    ...(added && { added: { textEmbeds: change(added.textEmbeds), timeIds: change(added.timeIds) } }),
  };
}

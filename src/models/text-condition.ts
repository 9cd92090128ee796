/** Prompts as what a UNet is told about them: text states, and in SDXL the pooled text and the image's size. */
import type { Engine, Tensor, Tf } from '../engine/engine.ts';
import { clipTextForward } from './clip-text.ts';
import type { DiffusionModel } from './model-folder.ts';
import type { AddedConditions, TextCondition } from './unet.ts';

/**
 * Conditions of prompts, one row each; the caller disposes them. One encoder (SD1.5): its last states. Two (SDXL): the
 * penultimate states of both side by side, the second's projected text, and the size as (height, width, 0, 0,
 * height, width), which says that nothing was cut off.
 */
export function encodePrompts(
  engine: Engine,
  model: DiffusionModel,
  prompts: readonly string[],
): TextCondition {
  const { tf } = engine;
  return tf.tidy(() => {
    const encoded = model.texts.map(({ config, weights, tokenizer }) =>
      clipTextForward(
        engine,
        config,
        weights,
        prompts.map((prompt) => tokenizer.encode(prompt)),
      ),
    );
    if (!model.unet.config.textTime) return { states: encoded[0]!.last };
    const states = tf.concat(
      encoded.map(({ penultimate }) => penultimate),
      2,
    ) as Tensor;
    return { states, added: added(tf, encoded.at(-1)!.embeds!, model.imageSide) };
  });
}

/**
 * The condition that guidance leads away from: the empty prompt, or zeros where the model folder says
 * `force_zeros_for_empty_prompt`. One row.
 */
export function encodeEmpty(engine: Engine, model: DiffusionModel): TextCondition {
  const { tf } = engine;
  return tf.tidy(() => {
    const empty = encodePrompts(engine, model, ['']);
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

function added(tf: Tf, textEmbeds: Tensor, side: number): AddedConditions {
  const rows = textEmbeds.shape[0]!;
  return { textEmbeds, timeIds: tf.tile(tf.tensor2d([[side, side, 0, 0, side, side]]), [rows, 1]) };
}

/** Texts through the text encoders of a model: what its UNet is told of them. */
import type { Engine, Tensor, Tf } from '../../engine/engine.ts';
import { clipTextForward, type TextStates } from '../clip/clip-text.ts';
import type { DiffusionModel } from '../folders/model-folder.ts';
import { type ClipTokenizer, padded } from '../tokenizers/tokenizer.ts';
import type { AddedConditions, TextCondition } from '../unet/unet.ts';

/**
 * Conditions of texts, one row each; the caller disposes them. One encoder (SD1.5): its last states. Two (SDXL): the
 * penultimate states of both side by side, the second's projected text, and the size as (height, width, 0, 0,
 * height, width), which says that nothing was cut off.
 */
export function encodeTexts(engine: Engine, model: DiffusionModel, texts: readonly string[]): TextCondition {
  const { tf } = engine;
  return tf.tidy(() => {
    const encoded = throughEncoders(engine, model, (tokenizer) =>
      texts.map((text) => tokenizer.encode(text)),
    );
    const states = conditioningStates(tf, model, encoded);
    if (!model.unet.config.textTime) return { states };
    return { states, added: added(tf, encoded.at(-1)!.embeds!, model.imageSide) };
  });
}

/** The states of each text's own tokens [tokens, D], without BOS and EOS. */
export function innerStates(engine: Engine, model: DiffusionModel, texts: readonly string[]): Tensor[] {
  const { tf } = engine;
  return tf.tidy(() => {
    const lengths = texts.map((text) => model.texts[0]!.tokenizer.unpadded(text).length);
    const longest = Math.max(...lengths);
    // The encoders look back only, so padding behind a text changes none of its states.
    const encoded = throughEncoders(engine, model, (tokenizer) =>
      texts.map((text) => padded(tokenizer.unpadded(text), longest, tokenizer.padId)),
    );
    const states = conditioningStates(tf, model, encoded);
    const width = states.shape[2]!;
    return lengths.map((length, i) =>
      tf.slice(states, [i, 1, 0], [1, length - 2, width]).reshape([length - 2, width]),
    ) as Tensor[];
  });
}

function throughEncoders(
  engine: Engine,
  { texts }: DiffusionModel,
  idsOf: (tokenizer: ClipTokenizer) => number[][],
): TextStates[] {
  return texts.map(({ config, weights, tokenizer }) =>
    clipTextForward(engine, config, weights, idsOf(tokenizer)),
  );
}

function conditioningStates(tf: Tf, { unet }: DiffusionModel, encoded: readonly TextStates[]): Tensor {
  if (!unet.config.textTime) return encoded[0]!.last;
  return tf.concat(
    encoded.map(({ penultimate }) => penultimate),
    2,
  ) as Tensor;
}

function added(tf: Tf, textEmbeds: Tensor, side: number): AddedConditions {
  const rows = textEmbeds.shape[0]!;
  return { textEmbeds, timeIds: tf.tile(tf.tensor2d([[side, side, 0, 0, side, side]]), [rows, 1]) };
}

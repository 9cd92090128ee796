/**
 * BlipForQuestionAnswering (transformers): a question is read next to an image, an answer is written next to the
 * question. Three steps, so that an image is encoded once for all its questions.
 */
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { ParameterSpec, Weights } from '../../engine/weights.ts';
import { DiptychError } from '../../errors.ts';
import { layerNorm } from '../clip/clip-layers.ts';
import { causalMask, paddingMask } from '../layers/attention-masks.ts';
import { size } from '../layers/config-fields.ts';
import { linear, norm } from '../layers/parameter-lists.ts';
import { type BlipTextConfig, blipTextParameters, blipTextStates, parseBlipTextConfig } from './blip-text.ts';
import {
  type BlipVisionConfig,
  blipVisionParameters,
  blipVisionStates,
  parseBlipVisionConfig,
} from './blip-vision.ts';

export interface BlipVqaConfig {
  vision: BlipVisionConfig;
  text: BlipTextConfig;
  /** Stands before an answer: [DEC] of BLIP's own code. */
  bosId: number;
  /** Stands before a question, in place of [CLS]: [ENC] of BLIP's own code, the id after [DEC]. */
  encId: number;
}

type Rows = readonly (readonly number[])[];

/** What transformers takes when the file says nothing. */
const BOS = { bos_token_id: 30522 };
const ENCODER = 'text_encoder.';
const DECODER = 'text_decoder.bert.';
const HEAD = 'text_decoder.cls.predictions';

/** Throws DIPTYCH_BAD_MODEL that quotes the field. */
export function parseBlipVqaConfig(json: Record<string, unknown>): BlipVqaConfig {
  const part = (field: string) => (json[field] ?? {}) as Record<string, unknown>;
  const vision = parseBlipVisionConfig(part('vision_config'));
  const text = parseBlipTextConfig(part('text_config'));
  // Its decoder reads the question's states with the matrices that its encoder has for those of the image.
  if (text.hiddenSize !== vision.hiddenSize) {
    throw new DiptychError(
      'DIPTYCH_BAD_MODEL',
      `BLIP config: "hidden_size" of text_config is ${text.hiddenSize} and of vision_config ${vision.hiddenSize}; they must be equal`,
    );
  }
  const bosId = size('BLIP text_config', { ...BOS, ...part('text_config') }, 'bos_token_id');
  if (bosId + 1 < text.vocabSize) return { vision, text, bosId, encId: bosId + 1 };
  throw new DiptychError(
    'DIPTYCH_BAD_MODEL',
    `BLIP config: "bos_token_id" is ${bosId}, so questions begin with ${bosId + 1}; "vocab_size" is ${text.vocabSize}`,
  );
}

export function blipVqaParameters({ vision, text }: BlipVqaConfig): ParameterSpec[] {
  const width = text.hiddenSize;
  return [
    ...blipVisionParameters(vision),
    ...blipTextParameters(ENCODER, text, vision.hiddenSize),
    ...blipTextParameters(DECODER, text, width),
    ...linear(`${HEAD}.transform.dense`, width, width),
    ...norm(`${HEAD}.transform.LayerNorm`, width),
    { name: `${HEAD}.bias`, shape: [text.vocabSize], kind: 'vector' },
  ];
}

/** Normalised pixels [B, S, S, 3] to image states [B, 1 + N, D]. */
export function blipImageStates(
  engine: Engine,
  { vision }: BlipVqaConfig,
  weights: Weights,
  pixels: Tensor,
): Tensor {
  return blipVisionStates(engine, vision, weights, pixels);
}

/**
 * Questions to states [B, L, D] that know the image. `ids`: B rows of equal length; `attended`: 1 for a token, 0 for
 * padding; `image` [B, 1 + N, D], or [1, 1 + N, D] for one image of all questions.
 */
export function blipQuestionStates(
  engine: Engine,
  { text }: BlipVqaConfig,
  weights: Weights,
  image: Tensor,
  ids: Rows,
  attended: Rows,
): Tensor {
  return blipTextStates(engine, ENCODER, text, weights, {
    ids,
    mask: paddingMask(engine, attended),
    states: image,
  });
}

/**
 * Logits [B, A, vocabulary] of the token after each of the answers' A ids so far; the first answer token follows BOS
 * alone. `attended` as for the questions: the answer does not see their padding, as in BLIP's own code and in
 * T2I-CompBench's (vqa_prob). Without it the padding is seen too, as in transformers' generate(); its forward() takes
 * the mask, but newer versions drop it on the way (4.46 heeds it, 4.57 and 5.23 do not).
 */
export function blipAnswerLogits(
  engine: Engine,
  { text }: BlipVqaConfig,
  weights: Weights,
  question: Tensor,
  ids: Rows,
  attended?: Rows,
): Tensor {
  const { tf, kernels: k } = engine;
  const states = blipTextStates(engine, DECODER, text, weights, {
    ids,
    mask: causalMask(engine, ids[0]!.length),
    states: question,
    statesMask: attended && paddingMask(engine, attended),
  });
  const transform = `${HEAD}.transform`;
  const wide = k.gelu(
    k.linear(states, weights[`${transform}.dense.weight`]!, weights[`${transform}.dense.bias`]),
  );
  const x = layerNorm(k, weights, `${transform}.LayerNorm`, wide, text.layerNormEps);
  // The output matrix is the decoder's table of words.
  const words = weights[`${DECODER}embeddings.word_embeddings.weight`]!;
  return tf
    .matMul(x.reshape([-1, text.hiddenSize]), words, false, true)
    .add(weights[`${HEAD}.bias`]!)
    .reshape([...x.shape.slice(0, 2), text.vocabSize]);
}

/**
 * P(yes) / (P(yes) + P(no)) over the vocabulary's softmax, which is sigmoid(yes - no): logits [B, vocabulary] to [B].
 */
export function yesProbability({ tf }: Engine, logits: Tensor, yesId: number, noId: number): Tensor {
  const [yes, no] = [yesId, noId].map((id) => tf.slice(logits, [0, id], [-1, 1])) as [Tensor, Tensor];
  return yes.sub(no).sigmoid().reshape([-1]);
}

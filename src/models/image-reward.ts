/**
 * ImageReward (Xu et al., arXiv 2304.05977; THUDM/ImageReward): how well people would like an image for its prompt.
 * BLIP's image tower, its text tower looking at the image, a head on the text's first token, standardised over the
 * training set.
 */
import type { Engine, Tensor } from '../engine/engine.ts';
import type { ParameterSpec, Weights } from '../engine/weights.ts';
import { DiptychError } from '../errors.ts';
import { paddingMask } from './attention-masks.ts';
import { type BlipTextConfig, blipTextParameters, blipTextStates } from './blip-text.ts';
import { type BlipVisionConfig, blipVisionParameters, blipVisionStates } from './blip-vision.ts';
import { size } from './config-fields.ts';
import { type HeadSizes, linearHead, linearHeadParameters } from './linear-head.ts';

type Json = Record<string, unknown>;
type Rows = readonly (readonly number[])[];

export interface ImageRewardConfig {
  vision: BlipVisionConfig;
  text: BlipTextConfig;
  head: HeadSizes;
  /** Of the head's values over the training set. */
  mean: number;
  std: number;
}

export interface ImageRewards {
  /** [B, N, vision width]: what the text tower sees of the images, class token first. */
  imageTokens: Tensor;
  /** [B, text width] */
  textFeatures: Tensor;
  /** [B]: the head's values. */
  raw: Tensor;
  /** [B]: (raw - mean) / std. */
  reward: Tensor;
}

const TEXT = 'blip.text_encoder.';
const HEAD = 'mlp.';
const CONFIG = 'ImageReward config';
/** Widths inside the head, the same in every release. */
const HEAD_WIDTHS = [1024, 128, 64, 16] as const;
/** The feed-forward layers of the image tower are this many times as wide as it. */
const MLP_RATIO = 4;

/** Throws DIPTYCH_BAD_MODEL that quotes a field which is missing or no number of its kind. */
export function parseImageRewardConfig(json: Json): ImageRewardConfig {
  const [width, hidden] = [size(CONFIG, json, 'vw'), size(CONFIG, json, 'hidden')];
  return {
    vision: {
      imageSize: size(CONFIG, json, 'img'),
      patchSize: size(CONFIG, json, 'patch'),
      hiddenSize: width,
      intermediateSize: MLP_RATIO * width,
      layers: size(CONFIG, json, 'vdepth'),
      heads: size(CONFIG, json, 'vheads'),
      activation: 'gelu',
      layerNormEps: 1e-6,
    },
    text: {
      hiddenSize: hidden,
      intermediateSize: size(CONFIG, json, 'inter'),
      layers: size(CONFIG, json, 'layers'),
      heads: size(CONFIG, json, 'heads'),
      vocabSize: size(CONFIG, json, 'vocab'),
      maxPositions: size(CONFIG, json, 'max_position_embeddings'),
      layerNormEps: 1e-12,
    },
    head: [hidden, ...HEAD_WIDTHS],
    mean: finite(json, 'mean'),
    std: finite(json, 'std'),
  };
}

function finite(json: Json, field: string): number {
  const value = json[field];
  if (Number.isFinite(value)) return value as number;
  throw new DiptychError(
    'DIPTYCH_BAD_MODEL',
    `${CONFIG}: "${field}" is ${JSON.stringify(value)}; it must be a number`,
  );
}

/** The text tower and the head under the file's names, the image tower under those of `blip-vision.ts`. */
export function imageRewardParameters({ vision, text, head }: ImageRewardConfig): ParameterSpec[] {
  return [
    ...blipVisionParameters(vision),
    ...blipTextParameters(TEXT, text, vision.hiddenSize),
    ...linearHeadParameters(HEAD, head),
  ];
}

/** What ImageReward.pt's state dict calls the image tower's parameters, after BLIP's own release. */
const VISION_NAMES: readonly [ours: RegExp, theirs: string][] = [
  [/^vision_model\./, 'blip.visual_encoder.'],
  [/embeddings\.class_embedding$/, 'cls_token'],
  [/embeddings\.position_embedding$/, 'pos_embed'],
  [/embeddings\.patch_embedding\./, 'patch_embed.proj.'],
  [/encoder\.layers\./, 'blocks.'],
  [/\.self_attn\.qkv\./, '.attn.qkv.'],
  [/\.self_attn\.projection\./, '.attn.proj.'],
  [/\.layer_norm([12])\./, '.norm$1.'],
  [/\.post_layernorm\./, '.norm.'],
];

export const imageRewardAlias = (name: string): string[] =>
  name.startsWith('vision_model.')
    ? [VISION_NAMES.reduce((text, [ours, theirs]) => text.replace(ours, theirs), name)]
    : [];

/**
 * Image i with text i: normalised pixels [B, S, S, 3]; `ids` B rows of equal length, BERT's [CLS] first; `attended`
 * as many rows of 1 for a token and 0 for padding.
 */
export function imageRewards(
  engine: Engine,
  config: ImageRewardConfig,
  weights: Weights,
  pixels: Tensor,
  ids: Rows,
  attended: Rows,
): ImageRewards {
  const imageTokens = blipVisionStates(engine, config.vision, weights, pixels);
  const input = { ids, mask: paddingMask(engine, attended), states: imageTokens };
  const states = blipTextStates(engine, TEXT, config.text, weights, input);
  const [batch, , width] = states.shape as [number, number, number];
  const textFeatures = states.slice([0, 0, 0], [batch, 1, width]).reshape([batch, width]);
  const raw = linearHead(engine, HEAD, weights, textFeatures);
  return { imageTokens, textFeatures, raw, reward: raw.sub(config.mean).div(config.std) };
}

/**
 * ImageReward (Xu et al., arXiv 2304.05977; THUDM/ImageReward): how well people would like an image for its prompt.
 * BLIP's image tower, its text tower looking at the image, a head on the text's first token, standardised over the
 * training set.
 */
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { ParameterSpec, Weights } from '../../engine/weights.ts';
import { DiptychError } from '../../errors.ts';
import {
  type BlipTextConfig,
  blipTextParameters,
  blipTextStates,
  parseBlipTextConfig,
} from '../blip/blip-text.ts';
import {
  type BlipVisionConfig,
  blipVisionParameters,
  blipVisionStates,
  parseBlipVisionConfig,
} from '../blip/blip-vision.ts';
import { paddingMask } from '../layers/attention-masks.ts';
import { type HeadSizes, headSizes, linearHead, linearHeadParameters } from './linear-head.ts';

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
/** The image tower, of which med_config.json says nothing: BLIP's large one. */
const VISION = {
  hidden_size: 1024,
  intermediate_size: 4096,
  num_hidden_layers: 24,
  num_attention_heads: 16,
  image_size: 224,
  patch_size: 16,
  layer_norm_eps: 1e-6,
};
/** Over the published model's training set. */
const STANDARD = { mean: 0.16717362830052426, std: 1.0333394966054072 };
/** What transformers takes for fields of BERT that are not in the file. */
const TEXT_DEFAULTS = { num_attention_heads: 12 };

/**
 * med_config.json: BERT's fields for the text tower. A model of other size than the published one also has
 * "vision_config" (fields of transformers' BlipVisionConfig), "mean" and "std". Throws DIPTYCH_BAD_MODEL that quotes
 * a field which is no number of its kind.
 */
export function parseImageRewardConfig(json: Json): ImageRewardConfig {
  const { mean, std, ...text } = { ...STANDARD, ...TEXT_DEFAULTS, ...json };
  const parsed = parseBlipTextConfig(text);
  return {
    vision: parseBlipVisionConfig({ ...VISION, ...(json.vision_config as Json | undefined) }),
    text: parsed,
    head: headSizes(parsed.hiddenSize),
    mean: finite('mean', mean),
    std: finite('std', std),
  };
}

function finite(field: string, value: unknown): number {
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
 * as many rows of 1 for a token and 0 for padding. `weights` from `loadBlipWeights`.
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

/** OwlViTForObjectDetection (transformers): config.json, and every parameter that detection uses, by its name. */
import type { ParameterSpec } from '../../engine/weights.ts';
import {
  type ClipTextConfig,
  clipTextParameters,
  LEGACY_EOS,
  parseClipTextConfig,
} from '../clip/clip-text.ts';
import { type ClipVisionConfig, clipVisionParameters, parseClipVisionConfig } from '../clip/clip-vision.ts';
import { refuseUnsupported, requireMultiple, size } from '../layers/config-fields.ts';
import { linear, norm } from '../layers/parameter-lists.ts';

export interface OwlVitConfig {
  /** Its projectionDim is that of the queries. */
  text: ClipTextConfig;
  vision: ClipVisionConfig;
  /** Patches in a row and in a column: one box each. */
  side: number;
}

/** Before the names of the CLIP towers. */
export const TOWERS = 'owlvit.';

type Json = Record<string, unknown>;

const [TEXT, VISION] = ['OWL-ViT text_config', 'OWL-ViT vision_config'] as const;

/** What transformers takes for fields that are not in the file (OwlViTTextConfig, OwlViTVisionConfig). */
const TEXT_DEFAULTS = {
  vocab_size: 49408,
  hidden_size: 512,
  intermediate_size: 2048,
  num_hidden_layers: 12,
  num_attention_heads: 8,
  max_position_embeddings: 16,
};
const VISION_DEFAULTS = {
  hidden_size: 768,
  intermediate_size: 3072,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  image_size: 768,
  patch_size: 32,
};

/** Throws DIPTYCH_BAD_MODEL that quotes the field. */
export function parseOwlVitConfig(json: Json): OwlVitConfig {
  refuseUnsupported('OWL-ViT config', json, { model_type: ['owlvit'] });
  const text = { ...TEXT_DEFAULTS, ...(json.text_config as Json | undefined) };
  const vision = { ...VISION_DEFAULTS, ...(json.vision_config as Json | undefined) };
  for (const [part, sizes, defaults] of [
    [TEXT, text, TEXT_DEFAULTS],
    [VISION, vision, VISION_DEFAULTS],
  ] as const) {
    for (const field of Object.keys(defaults)) size(part, sizes, field);
    requireMultiple(part, sizes, 'hidden_size', 'num_attention_heads');
  }
  requireMultiple(VISION, vision, 'image_size', 'patch_size');
  const projection_dim = size('OWL-ViT config', { projection_dim: 512, ...json }, 'projection_dim');
  return {
    // Whatever id the config names, a query ends at its largest.
    text: parseClipTextConfig({ ...text, projection_dim, eos_token_id: LEGACY_EOS }, true),
    vision: parseClipVisionConfig(vision, 'pre_layernorm'),
    side: vision.image_size / vision.patch_size,
  };
}

/** Detection needs neither `logit_scale` nor `visual_projection`: they stay in the file. */
export function owlVitParameters({ text, vision }: OwlVitConfig): ParameterSpec[] {
  const width = vision.hiddenSize;
  const towers = [...clipTextParameters(text), ...clipVisionParameters(vision)];
  return [
    ...towers.map((spec) => ({ ...spec, name: `${TOWERS}${spec.name}` })),
    ...norm('layer_norm', width),
    ...linear('class_head.dense0', width, text.projectionDim!),
    ...linear('class_head.logit_shift', width, 1),
    ...linear('class_head.logit_scale', width, 1),
    ...linear('box_head.dense0', width, width),
    ...linear('box_head.dense1', width, width),
    ...linear('box_head.dense2', width, 4),
  ];
}

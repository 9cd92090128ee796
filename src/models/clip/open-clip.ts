/** Configs of open_clip's CLIP (mlfoundations/open_clip), as HPSv2 and laion's ViT-H-14 are published. */
import { DiptychError } from '../../errors.ts';
import { refuseUnsupported, size } from '../layers/config-fields.ts';
import {
  type ImagePreprocessor,
  resizeAndCropToEven,
  resizeAndPad,
  statisticsOf,
} from '../preprocess/clip-preprocess.ts';
import type { ClipConfig } from './clip.ts';
import type { ClipTowerConfig } from './clip-layers.ts';
import { LEGACY_EOS } from './clip-text.ts';

type Json = Record<string, unknown>;

const MODEL = 'open_clip model_cfg';
const VISION = 'open_clip vision_cfg';
const TEXT = 'open_clip text_cfg';
const PREPROCESS = 'open_clip preprocess_cfg';
/** The fields that are read, and patch_dropout, which only training does. Any other must be off. */
const READ = {
  [MODEL]: ['embed_dim', 'vision_cfg', 'text_cfg', 'quick_gelu'],
  [VISION]: ['image_size', 'layers', 'width', 'head_width', 'patch_size', 'mlp_ratio', 'patch_dropout'],
  [TEXT]: ['context_length', 'vocab_size', 'width', 'heads', 'layers', 'mlp_ratio'],
};
/** What open_clip takes for a field that is not in the file. */
const VISION_DEFAULTS = { head_width: 64, mlp_ratio: 4 };
const TEXT_DEFAULTS = { mlp_ratio: 4 };

/**
 * The "model_cfg" of an open_clip_config.json. Throws DIPTYCH_BAD_MODEL that quotes a field which asks for another
 * architecture: a ResNet or timm image tower, a Hugging Face text tower, other pooling.
 */
export function parseOpenClipConfig(json: Json): ClipConfig {
  const vision = { ...VISION_DEFAULTS, ...(json.vision_cfg as Json) };
  const text = { ...TEXT_DEFAULTS, ...(json.text_cfg as Json) };
  refuseOthers(MODEL, json);
  refuseOthers(VISION, vision);
  refuseOthers(TEXT, text);
  const activation = json.quick_gelu === true ? 'quick_gelu' : 'gelu';
  const projectionDim = size(MODEL, json, 'embed_dim');
  return {
    text: {
      ...tower(TEXT, text, activation),
      heads: size(TEXT, text, 'heads'),
      vocabSize: size(TEXT, text, 'vocab_size'),
      maxPositions: size(TEXT, text, 'context_length'),
      eosTokenId: LEGACY_EOS,
      projectionDim,
    },
    vision: {
      ...tower(VISION, vision, activation),
      heads: Math.floor(size(VISION, vision, 'width') / size(VISION, vision, 'head_width')),
      imageSize: size(VISION, vision, 'image_size'),
      patchSize: size(VISION, vision, 'patch_size'),
      preNorm: 'pre_layrnorm',
    },
    projectionDim,
  };
}

function tower(
  name: string,
  json: Json & { mlp_ratio: unknown },
  activation: ClipTowerConfig['activation'],
): Omit<ClipTowerConfig, 'heads'> {
  const width = size(name, json, 'width');
  const intermediateSize = Math.trunc(width * Number(json.mlp_ratio));
  if (!(intermediateSize > 0)) {
    throw new DiptychError(
      'DIPTYCH_BAD_MODEL',
      `${name}: "mlp_ratio" is ${JSON.stringify(json.mlp_ratio)}; it must be a positive number`,
    );
  }
  return {
    hiddenSize: width,
    intermediateSize,
    layers: size(name, json, 'layers'),
    activation,
    layerNormEps: 1e-5,
  };
}

function refuseOthers(name: keyof typeof READ, json: Json): void {
  const others = Object.keys(json).filter((field) => !READ[name].includes(field));
  refuseUnsupported(name, json, Object.fromEntries(others.map((field) => [field, [null, false]])));
}

/**
 * The "preprocess_cfg" of an open_clip_config.json, for images of `side` pixels. Throws DIPTYCH_BAD_MODEL for another
 * filter than bicubic, a resize that squashes, padding that is not black, or statistics that are not three numbers.
 */
export function openClipPreprocessor(json: Json, side: number): ImagePreprocessor {
  refuseUnsupported(PREPROCESS, json, {
    interpolation: ['bicubic'],
    resize_mode: ['shortest', 'longest'],
    fill_color: [0],
    mode: ['RGB'],
  });
  const statistics = statisticsOf(PREPROCESS, { image_mean: json.mean, image_std: json.std });
  return { ...statistics, side, frame: json.resize_mode === 'longest' ? resizeAndPad : resizeAndCropToEven };
}

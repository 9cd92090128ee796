/** The networks that lie in folders of their own: what their weight files are called, how config and names are read. */
import type { LoadOptions, ParameterSpec } from '../../engine/weights.ts';
import { type BlipVqaConfig, blipVqaParameters, parseBlipVqaConfig } from '../blip/blip-vqa.ts';
import { type ClipConfig, clipParameters, parseClipConfig } from '../clip/clip.ts';
import {
  type ClipTextConfig,
  clipTextParameters,
  parseClipTextConfig,
  textAlias,
} from '../clip/clip-text.ts';
import { parseOpenClipConfig } from '../clip/open-clip.ts';
import { openClipParameters } from '../clip/open-clip-weights.ts';
import { aestheticParameters } from '../image-scores/aesthetic.ts';
import {
  type ImageRewardConfig,
  imageRewardAlias,
  imageRewardParameters,
  parseImageRewardConfig,
} from '../image-scores/image-reward.ts';
import { headSizes } from '../image-scores/linear-head.ts';
import { type OwlVitConfig, owlVitParameters, parseOwlVitConfig } from '../owlvit/owlvit-parameters.ts';
import {
  parseSceneGraphEncoderConfig,
  type SceneGraphEncoderConfig,
  sceneGraphEncoderParameters,
} from '../scene-graph/scene-graph-encoder-parameters.ts';
import { parseUNetConfig, type UNetConfig } from '../unet/unet-config.ts';
import { unetParameters } from '../unet/unet-parameters.ts';
import { parseVaeConfig, type VaeConfig, vaeAlias, vaeParameters } from '../vae/vae-parameters.ts';

export interface NetworkKind<Config> extends LoadOptions {
  /** Of its weight files (weight-files.ts). */
  stem: string;
  /** The file of its config. */
  configFile: string;
  /** From that file; throws DIPTYCH_BAD_MODEL. */
  parse(json: Record<string, unknown>): Config;
  parameters(config: Config): ParameterSpec[];
}

const DIFFUSERS = 'diffusion_pytorch_model';
const TRANSFORMERS = 'model';
const CONFIG = 'config.json';

export const UNET: NetworkKind<UNetConfig> = {
  stem: DIFFUSERS,
  configFile: CONFIG,
  parse: parseUNetConfig,
  parameters: unetParameters,
};
export const VAE: NetworkKind<VaeConfig> = {
  stem: DIFFUSERS,
  configFile: CONFIG,
  alias: vaeAlias,
  parse: parseVaeConfig,
  parameters: vaeParameters,
};
export const CLIP_TEXT: NetworkKind<ClipTextConfig> = {
  stem: TRANSFORMERS,
  configFile: CONFIG,
  alias: textAlias,
  parse: (json) => parseClipTextConfig(json),
  parameters: clipTextParameters,
};
export const CLIP: NetworkKind<ClipConfig> = {
  stem: TRANSFORMERS,
  configFile: CONFIG,
  parse: parseClipConfig,
  parameters: clipParameters,
};
/** Its parameters are those of the original's state dict, its folder and class name are this project's own. */
export const SCENE_GRAPH_ENCODER: NetworkKind<SceneGraphEncoderConfig> = {
  stem: TRANSFORMERS,
  configFile: CONFIG,
  parse: parseSceneGraphEncoderConfig,
  parameters: sceneGraphEncoderParameters,
};
export const BLIP_VQA: NetworkKind<BlipVqaConfig> = {
  stem: TRANSFORMERS,
  configFile: CONFIG,
  parse: parseBlipVqaConfig,
  parameters: blipVqaParameters,
};
export const OWL_VIT: NetworkKind<OwlVitConfig> = {
  stem: TRANSFORMERS,
  configFile: CONFIG,
  parse: parseOwlVitConfig,
  parameters: owlVitParameters,
};

export const SCENE_GRAPH_CLASS = 'SceneGraphEncoder';
/** open_clip's CLIP, as HPSv2 and laion's ViT-H-14 are published. */
export const OPEN_CLIP: NetworkKind<ClipConfig> = {
  stem: 'open_clip_model',
  configFile: 'open_clip_config.json',
  parse: (json) => parseOpenClipConfig((json.model_cfg ?? {}) as Record<string, unknown>),
  parameters: openClipParameters,
};
export const IMAGE_REWARD: NetworkKind<ImageRewardConfig> = {
  stem: 'ImageReward',
  configFile: 'med_config.json',
  alias: imageRewardAlias,
  parse: parseImageRewardConfig,
  parameters: imageRewardParameters,
};
/** LAION's aesthetic head, which lies beside the CLIPModel that it looks through. */
export const AESTHETIC: NetworkKind<ClipConfig> = {
  stem: 'aesthetic',
  configFile: CONFIG,
  parse: parseClipConfig,
  parameters: ({ projectionDim }) => aestheticParameters(headSizes(projectionDim)),
};

/** By the class that diffusers and transformers name in model_index.json and config.json. */
export const NETWORK_KINDS: Record<string, NetworkKind<unknown>> = {
  UNet2DConditionModel: UNET,
  AutoencoderKL: VAE,
  CLIPTextModel: CLIP_TEXT,
  CLIPTextModelWithProjection: CLIP_TEXT,
  CLIPModel: CLIP,
  [SCENE_GRAPH_CLASS]: SCENE_GRAPH_ENCODER,
  BlipForQuestionAnswering: BLIP_VQA,
  OwlViTForObjectDetection: OWL_VIT,
};

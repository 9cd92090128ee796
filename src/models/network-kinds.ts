/** The networks that lie in folders of their own: what their weight files are called, how config and names are read. */
import type { LoadOptions, ParameterSpec } from '../engine/weights.ts';
import { type BlipVqaConfig, blipVqaParameters, parseBlipVqaConfig } from './blip-vqa.ts';
import { type ClipConfig, clipParameters, parseClipConfig } from './clip.ts';
import { type ClipTextConfig, clipTextParameters, parseClipTextConfig, textAlias } from './clip-text.ts';
import { type OwlVitConfig, owlVitParameters, parseOwlVitConfig } from './owlvit-parameters.ts';
import {
  parseSceneGraphEncoderConfig,
  type SceneGraphEncoderConfig,
  sceneGraphEncoderParameters,
} from './scene-graph-encoder-parameters.ts';
import { parseUNetConfig, type UNetConfig } from './unet-config.ts';
import { unetParameters } from './unet-parameters.ts';
import { parseVaeConfig, type VaeConfig, vaeAlias, vaeParameters } from './vae-parameters.ts';

export interface NetworkKind<Config> extends LoadOptions {
  /** Of its weight files (weight-files.ts). */
  stem: string;
  /** From its config.json; throws DIPTYCH_BAD_MODEL. */
  parse(json: Record<string, unknown>): Config;
  parameters(config: Config): ParameterSpec[];
}

const DIFFUSERS = 'diffusion_pytorch_model';
const TRANSFORMERS = 'model';

export const UNET: NetworkKind<UNetConfig> = {
  stem: DIFFUSERS,
  parse: parseUNetConfig,
  parameters: unetParameters,
};
export const VAE: NetworkKind<VaeConfig> = {
  stem: DIFFUSERS,
  alias: vaeAlias,
  parse: parseVaeConfig,
  parameters: vaeParameters,
};
export const CLIP_TEXT: NetworkKind<ClipTextConfig> = {
  stem: TRANSFORMERS,
  alias: textAlias,
  parse: (json) => parseClipTextConfig(json),
  parameters: clipTextParameters,
};
export const CLIP: NetworkKind<ClipConfig> = {
  stem: TRANSFORMERS,
  parse: parseClipConfig,
  parameters: clipParameters,
};
/** Its parameters are those of the original's state dict, its folder and class name are this project's own. */
export const SCENE_GRAPH_ENCODER: NetworkKind<SceneGraphEncoderConfig> = {
  stem: TRANSFORMERS,
  parse: parseSceneGraphEncoderConfig,
  parameters: sceneGraphEncoderParameters,
};
const BLIP_VQA: NetworkKind<BlipVqaConfig> = {
  stem: TRANSFORMERS,
  parse: parseBlipVqaConfig,
  parameters: blipVqaParameters,
};
const OWL_VIT: NetworkKind<OwlVitConfig> = {
  stem: TRANSFORMERS,
  parse: parseOwlVitConfig,
  parameters: owlVitParameters,
};

export const SCENE_GRAPH_CLASS = 'SceneGraphEncoder';

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

/**
 * Shapes of the sample models, in the config.json forms of diffusers and transformers.
 * Small on purpose: the whole demo has to run on two processor cores in minutes.
 */

/** Longest prompt in tokens, BOS and EOS included: a three-item graph's flat text has 20. */
export const MAX_TOKENS = 28;

export const UNET_CONFIG = {
  _class_name: 'UNet2DConditionModel',
  sample_size: 32,
  in_channels: 3,
  out_channels: 3,
  center_input_sample: false,
  flip_sin_to_cos: true,
  freq_shift: 0,
  down_block_types: ['DownBlock2D', 'DownBlock2D', 'CrossAttnDownBlock2D'],
  mid_block_type: 'UNetMidBlock2DCrossAttn',
  up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D', 'UpBlock2D'],
  only_cross_attention: false,
  block_out_channels: [24, 48, 96],
  layers_per_block: 1,
  downsample_padding: 1,
  mid_block_scale_factor: 1,
  act_fn: 'silu',
  norm_num_groups: 8,
  norm_eps: 1e-5,
  cross_attention_dim: 64,
  transformer_layers_per_block: 1,
  attention_head_dim: 4,
  use_linear_projection: true,
  upcast_attention: false,
  resnet_time_scale_shift: 'default',
  time_embedding_type: 'positional',
  conv_in_kernel: 3,
  conv_out_kernel: 3,
} as const;

export const SCHEDULER_CONFIG = {
  _class_name: 'DDIMScheduler',
  num_train_timesteps: 1000,
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  clip_sample: true,
  clip_sample_range: 1,
  set_alpha_to_one: false,
  steps_offset: 1,
  prediction_type: 'epsilon',
  timestep_spacing: 'leading',
} as const;

const TEXT_SHAPE = {
  hidden_act: 'quick_gelu',
  hidden_size: 64,
  intermediate_size: 256,
  layer_norm_eps: 1e-5,
  max_position_embeddings: MAX_TOKENS,
  num_attention_heads: 4,
  num_hidden_layers: 3,
  projection_dim: 64,
};

export function textConfig(vocabSize: number) {
  return {
    architectures: ['CLIPTextModel'],
    model_type: 'clip_text_model',
    ...TEXT_SHAPE,
    vocab_size: vocabSize,
    bos_token_id: vocabSize - 2,
    eos_token_id: vocabSize - 1,
    pad_token_id: vocabSize - 1,
  };
}

export function clipConfig(vocabSize: number) {
  return {
    architectures: ['CLIPModel'],
    model_type: 'clip',
    projection_dim: 64,
    logit_scale_init_value: 2.6592,
    text_config: { ...textConfig(vocabSize), architectures: undefined },
    vision_config: {
      model_type: 'clip_vision_model',
      hidden_act: 'quick_gelu',
      hidden_size: 64,
      image_size: 32,
      intermediate_size: 256,
      layer_norm_eps: 1e-5,
      num_attention_heads: 4,
      num_channels: 3,
      num_hidden_layers: 3,
      patch_size: 4,
      projection_dim: 64,
    },
  };
}

/** CLIP's own image statistics and filter, at the sample model's size. */
export const PREPROCESSOR_CONFIG = {
  image_processor_type: 'CLIPImageProcessor',
  do_resize: true,
  size: { shortest_edge: 32 },
  resample: 3,
  do_center_crop: true,
  crop_size: { height: 32, width: 32 },
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
  do_convert_rgb: true,
} as const;

export const MODEL_INDEX = {
  _class_name: 'StableDiffusionPipeline',
  scheduler: ['diffusers', 'DDIMScheduler'],
  text_encoder: ['transformers', 'CLIPTextModel'],
  tokenizer: ['transformers', 'CLIPTokenizer'],
  unet: ['diffusers', 'UNet2DConditionModel'],
  vae: [null, null],
  safety_checker: [null, null],
  feature_extractor: [null, null],
} as const;

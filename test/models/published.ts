/** The published config.json of the official UNets, as far as it decides about their weights. */

const CROSS_DOWN = 'CrossAttnDownBlock2D';
const CROSS_UP = 'CrossAttnUpBlock2D';

const ONE = {
  sd15: {
    sample_size: 64,
    block_out_channels: [320, 640, 1280, 1280],
    down_block_types: [CROSS_DOWN, CROSS_DOWN, CROSS_DOWN, 'DownBlock2D'],
    up_block_types: ['UpBlock2D', CROSS_UP, CROSS_UP, CROSS_UP],
    attention_head_dim: 8,
    cross_attention_dim: 768,
  },
  sdxl: {
    sample_size: 128,
    block_out_channels: [320, 640, 1280],
    down_block_types: ['DownBlock2D', CROSS_DOWN, CROSS_DOWN],
    up_block_types: [CROSS_UP, CROSS_UP, 'UpBlock2D'],
    attention_head_dim: [5, 10, 20],
    cross_attention_dim: 2048,
    transformer_layers_per_block: [1, 2, 10],
    use_linear_projection: true,
    addition_embed_type: 'text_time',
    addition_time_embed_dim: 256,
    projection_class_embeddings_input_dim: 2816,
  },
};
const SHARED = { in_channels: 4, out_channels: 4, layers_per_block: 2, norm_num_groups: 32 };

export const PUBLISHED = {
  sd15: { ...SHARED, ...ONE.sd15 },
  sdxl: { ...SHARED, ...ONE.sdxl },
};

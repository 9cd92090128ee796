/**
 * diffusers' UNet2DConditionModel config.json, and the plan of blocks that follows from it: one list that
 * both the parameter names and the forward pass walk along.
 */
import { DiptychError } from '../../errors.ts';
import { refuseUnsupported } from '../layers/config-fields.ts';
import type { ResnetPlan } from '../layers/resnet.ts';

export interface UNetConfig {
  sampleSize: number;
  inChannels: number;
  outChannels: number;
  flipSinToCos: boolean;
  freqShift: number;
  blockOutChannels: number[];
  normNumGroups: number;
  normEps: number;
  crossAttentionDim: number;
  useLinearProjection: boolean;
  /** SDXL's pooled text and size conditioning; null for SD1.5. */
  textTime: { timeEmbedDim: number; inputDim: number } | null;
  plan: UNetPlan;
}

export interface BlockPlan {
  resnets: ResnetPlan[];
  /** Channels of the block; the width of its transformers. */
  channels: number;
  heads: number;
  /** Transformer blocks inside each attention; 0 where the block has none. */
  depth: number;
  /** Ends with a stride-2 convolution (down) or an upsampling (up). */
  resamples: boolean;
}

export interface UNetPlan {
  timeChannels: number;
  down: BlockPlan[];
  mid: BlockPlan;
  up: BlockPlan[];
}

/** Fields whose other values would change the network in ways that are not implemented. */
const FIXED: Record<string, readonly unknown[]> = {
  _class_name: ['UNet2DConditionModel'],
  center_input_sample: [false],
  mid_block_type: ['UNetMidBlock2DCrossAttn'],
  only_cross_attention: [false],
  downsample_padding: [1],
  mid_block_scale_factor: [1],
  act_fn: ['silu'],
  dual_cross_attention: [false],
  class_embed_type: [null],
  num_class_embeds: [null],
  addition_embed_type: [null, 'text_time'],
  resnet_time_scale_shift: ['default'],
  resnet_skip_time_act: [false],
  resnet_out_scale_factor: [1],
  time_embedding_type: ['positional'],
  time_embedding_dim: [null],
  time_embedding_act_fn: [null],
  timestep_post_act: [null],
  time_cond_proj_dim: [null],
  conv_in_kernel: [3],
  conv_out_kernel: [3],
  attention_type: ['default'],
  class_embeddings_concat: [false],
  mid_block_only_cross_attention: [null, false],
  cross_attention_norm: [null],
  encoder_hid_dim: [null],
  encoder_hid_dim_type: [null],
  reverse_transformer_layers_per_block: [null],
};

type Json = Record<string, unknown>;

/** Throws DIPTYCH_BAD_MODEL that quotes the field and what it may be. */
export function parseUNetConfig(json: Json): UNetConfig {
  refuseUnsupported('UNet config', json, FIXED);
  const blockOutChannels = json.block_out_channels as number[];
  const downTypes = json.down_block_types as string[];
  const upTypes = json.up_block_types as string[];
  const count = blockOutChannels.length;
  if (downTypes.length !== count || upTypes.length !== count) {
    throw bad(`${count} block_out_channels need as many down and up block types`);
  }
  for (const [types, known] of [
    [downTypes, ['DownBlock2D', 'CrossAttnDownBlock2D']],
    [upTypes, ['UpBlock2D', 'CrossAttnUpBlock2D']],
  ] as const) {
    const unknown = types.find((type) => !(known as readonly string[]).includes(type));
    if (unknown) throw bad(`block type "${unknown}" is not supported; supported: ${known.join(', ')}`);
  }
  const perBlock = (value: unknown, fallback: number) =>
    blockOutChannels.map((_, i) =>
      Array.isArray(value) ? (value[i] as number) : ((value as number | null) ?? fallback),
    );
  const layers = perBlock(json.layers_per_block, 2);
  // diffusers' historical misnomer: attention_head_dim holds the number of heads.
  const heads = perBlock(json.num_attention_heads ?? json.attention_head_dim, 8);
  const depth = perBlock(json.transformer_layers_per_block, 1);
  const textTime =
    json.addition_embed_type === 'text_time'
      ? {
          timeEmbedDim: json.addition_time_embed_dim as number,
          inputDim: json.projection_class_embeddings_input_dim as number,
        }
      : null;
  return {
    sampleSize: json.sample_size as number,
    inChannels: json.in_channels as number,
    outChannels: json.out_channels as number,
    flipSinToCos: (json.flip_sin_to_cos as boolean | undefined) ?? true,
    freqShift: (json.freq_shift as number | undefined) ?? 0,
    blockOutChannels,
    normNumGroups: (json.norm_num_groups as number | undefined) ?? 32,
    normEps: (json.norm_eps as number | undefined) ?? 1e-5,
    crossAttentionDim: json.cross_attention_dim as number,
    useLinearProjection: (json.use_linear_projection as boolean | undefined) ?? false,
    textTime,
    plan: planBlocks(blockOutChannels, downTypes, upTypes, layers, heads, depth),
  };
}

function planBlocks(
  widths: number[],
  downTypes: string[],
  upTypes: string[],
  layers: number[],
  heads: number[],
  depth: number[],
): UNetPlan {
  const last = widths.length - 1;
  const down = widths.map((channels, i): BlockPlan => {
    const input = i === 0 ? widths[0]! : widths[i - 1]!;
    return {
      resnets: Array.from({ length: layers[i]! }, (_, j) => ({
        in: j === 0 ? input : channels,
        out: channels,
      })),
      channels,
      heads: heads[i]!,
      depth: downTypes[i]!.startsWith('CrossAttn') ? depth[i]! : 0,
      resamples: i < last,
    };
  });
  // What the down path pushes, in order: conv_in, then every resnet's and downsampler's output.
  const skips = [
    widths[0]!,
    ...down.flatMap((block) => [
      ...block.resnets.map(() => block.channels),
      ...(block.resamples ? [block.channels] : []),
    ]),
  ];
  const deepest = widths[last]!;
  const mid: BlockPlan = {
    resnets: [
      { in: deepest, out: deepest },
      { in: deepest, out: deepest },
    ],
    channels: deepest,
    heads: heads[last]!,
    depth: depth[last]!,
    resamples: false,
  };
  let current = deepest;
  const up = [...widths].reverse().map((channels, i): BlockPlan => {
    const resnets = Array.from({ length: layers[last - i]! + 1 }, () => {
      const resnet = { in: current + skips.pop()!, out: channels };
      current = channels;
      return resnet;
    });
    return {
      resnets,
      channels,
      heads: heads[last - i]!,
      depth: upTypes[i]!.startsWith('CrossAttn') ? depth[last - i]! : 0,
      resamples: i < last,
    };
  });
  return { timeChannels: 4 * widths[0]!, down, mid, up };
}

const bad = (what: string) => new DiptychError('DIPTYCH_BAD_MODEL', `UNet config: ${what}`);

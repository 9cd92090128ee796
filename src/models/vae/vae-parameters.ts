/** diffusers' AutoencoderKL: config.json, and every parameter by its official name with torch's shape. */
import type { ParameterSpec } from '../../engine/weights.ts';
import { DiptychError } from '../../errors.ts';
import { refuseUnsupported } from '../layers/config-fields.ts';
import { conv, linear, norm } from '../layers/parameter-lists.ts';
import { type ResnetPlan, resnetParameters } from '../layers/resnet.ts';

export interface VaeConfig {
  inChannels: number;
  outChannels: number;
  latentChannels: number;
  normNumGroups: number;
  /** Latents are the posterior's mean times this. */
  scalingFactor: number;
  /** A 1x1 convolution behind the encoder, and one before the decoder. */
  quantConv: boolean;
  postQuantConv: boolean;
  /** Resnets of every block from the image inwards, and from the latents outwards. */
  down: ResnetPlan[][];
  mid: ResnetPlan[];
  up: ResnetPlan[][];
  /** Pixels a latent stands for, in each direction. */
  factor: number;
}

/** Fields whose other values would change the network in ways that are not implemented. */
const FIXED: Record<string, readonly unknown[]> = {
  _class_name: ['AutoencoderKL'],
  act_fn: ['silu'],
  mid_block_add_attention: [true],
  latents_mean: [null],
  latents_std: [null],
  shift_factor: [null],
};

/** Throws DIPTYCH_BAD_MODEL that quotes the field and what it may be. */
export function parseVaeConfig(json: Record<string, unknown>): VaeConfig {
  refuseUnsupported('VAE config', json, FIXED);
  for (const [field, known] of [
    ['down_block_types', 'DownEncoderBlock2D'],
    ['up_block_types', 'UpDecoderBlock2D'],
  ] as const) {
    const unknown = (json[field] as string[]).find((type) => type !== known);
    if (unknown) throw bad(`block type "${unknown}" is not supported; supported: ${known}`);
  }
  const widths = json.block_out_channels as number[];
  const layers = (json.layers_per_block as number | undefined) ?? 1;
  const blocks = (order: number[], count: number) =>
    order.map((out, i) =>
      Array.from({ length: count }, (_, j) => ({ in: j === 0 ? (order[i - 1] ?? order[0]!) : out, out })),
    );
  const deepest = widths.at(-1)!;
  return {
    inChannels: (json.in_channels as number | undefined) ?? 3,
    outChannels: (json.out_channels as number | undefined) ?? 3,
    latentChannels: (json.latent_channels as number | undefined) ?? 4,
    normNumGroups: (json.norm_num_groups as number | undefined) ?? 32,
    scalingFactor: (json.scaling_factor as number | undefined) ?? 0.18215,
    quantConv: (json.use_quant_conv as boolean | undefined) ?? true,
    postQuantConv: (json.use_post_quant_conv as boolean | undefined) ?? true,
    down: blocks(widths, layers),
    mid: Array.from({ length: 2 }, () => ({ in: deepest, out: deepest })),
    up: blocks(widths.toReversed(), layers + 1),
    factor: 2 ** (widths.length - 1),
  };
}

export function vaeParameters(config: VaeConfig): ParameterSpec[] {
  const { latentChannels: latent, down, up, mid } = config;
  const [first, deepest] = [down[0]![0]!.in, mid[0]!.in];
  return [
    ...conv('encoder.conv_in', config.inChannels, first, 3),
    ...blockParameters('encoder.down_blocks', down, 'downsamplers'),
    ...midParameters('encoder.mid_block', mid),
    ...norm('encoder.conv_norm_out', deepest),
    ...conv('encoder.conv_out', deepest, 2 * latent, 3),
    ...(config.quantConv ? conv('quant_conv', 2 * latent, 2 * latent, 1) : []),
    ...(config.postQuantConv ? conv('post_quant_conv', latent, latent, 1) : []),
    ...conv('decoder.conv_in', latent, deepest, 3),
    ...midParameters('decoder.mid_block', mid),
    ...blockParameters('decoder.up_blocks', up, 'upsamplers'),
    ...norm('decoder.conv_norm_out', first),
    ...conv('decoder.conv_out', first, config.outChannels, 3),
  ];
}

/** Names that files written before diffusers 0.13 have in the attention of the middle block. */
export function vaeAlias(name: string): string[] {
  const old = { '.to_q.': '.query.', '.to_k.': '.key.', '.to_v.': '.value.', '.to_out.0.': '.proj_attn.' };
  return Object.entries(old).flatMap(([now, then]) => (name.includes(now) ? [name.replace(now, then)] : []));
}

function blockParameters(
  prefix: string,
  blocks: ResnetPlan[][],
  resampler: 'downsamplers' | 'upsamplers',
): ParameterSpec[] {
  return blocks.flatMap((resnets, i) => {
    const { out } = resnets.at(-1)!;
    const last = i === blocks.length - 1;
    return [
      ...resnets.flatMap((resnet, j) => resnetParameters(`${prefix}.${i}.resnets.${j}`, resnet, null)),
      ...(last ? [] : conv(`${prefix}.${i}.${resampler}.0.conv`, out, out, 3)),
    ];
  });
}

function midParameters(prefix: string, mid: ResnetPlan[]): ParameterSpec[] {
  const width = mid[0]!.in;
  const attention = `${prefix}.attentions.0`;
  return [
    ...norm(`${attention}.group_norm`, width),
    ...['to_q', 'to_k', 'to_v', 'to_out.0'].flatMap((name) => linear(`${attention}.${name}`, width, width)),
    ...mid.flatMap((resnet, j) => resnetParameters(`${prefix}.resnets.${j}`, resnet, null)),
  ];
}

const bad = (what: string) => new DiptychError('DIPTYCH_BAD_MODEL', `VAE config: ${what}`);

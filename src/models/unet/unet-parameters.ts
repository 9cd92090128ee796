/** Every parameter of a UNet2DConditionModel by its official name, with torch's shape. */
import type { ParameterSpec } from '../../engine/weights.ts';
import { conv, linear, norm } from '../layers/parameter-lists.ts';
import { resnetParameters } from '../layers/resnet.ts';
import type { BlockPlan, UNetConfig } from './unet-config.ts';

export function unetParameters(config: UNetConfig): ParameterSpec[] {
  const { plan, blockOutChannels, textTime } = config;
  const [first] = blockOutChannels as [number];
  const time = plan.timeChannels;
  return [
    ...conv('conv_in', config.inChannels, first, 3),
    ...linear('time_embedding.linear_1', first, time),
    ...linear('time_embedding.linear_2', time, time),
    ...(textTime
      ? [
          ...linear('add_embedding.linear_1', textTime.inputDim, time),
          ...linear('add_embedding.linear_2', time, time),
        ]
      : []),
    ...plan.down.flatMap((block, i) => blockParameters(`down_blocks.${i}`, block, 'downsamplers', config)),
    ...blockParameters('mid_block', plan.mid, null, config),
    ...plan.up.flatMap((block, i) => blockParameters(`up_blocks.${i}`, block, 'upsamplers', config)),
    ...norm('conv_norm_out', first),
    ...conv('conv_out', first, config.outChannels, 3),
  ];
}

function blockParameters(
  prefix: string,
  block: BlockPlan,
  resampler: 'downsamplers' | 'upsamplers' | null,
  config: UNetConfig,
): ParameterSpec[] {
  // The middle block has one attention between its two resnets; the others one behind each resnet.
  const attentions = block.depth === 0 ? 0 : resampler === null ? 1 : block.resnets.length;
  return [
    ...block.resnets.flatMap((resnet, j) =>
      resnetParameters(`${prefix}.resnets.${j}`, resnet, config.plan.timeChannels),
    ),
    ...Array.from({ length: attentions }, (_, j) =>
      transformerParameters(`${prefix}.attentions.${j}`, block, config),
    ).flat(),
    ...(block.resamples ? conv(`${prefix}.${resampler}.0.conv`, block.channels, block.channels, 3) : []),
  ];
}

function transformerParameters(prefix: string, block: BlockPlan, config: UNetConfig): ParameterSpec[] {
  const width = block.channels;
  const projection = (name: string) =>
    config.useLinearProjection
      ? linear(`${prefix}.${name}`, width, width)
      : conv(`${prefix}.${name}`, width, width, 1);
  return [
    ...norm(`${prefix}.norm`, width),
    ...projection('proj_in'),
    ...Array.from({ length: block.depth }, (_, k) => {
      const inner = `${prefix}.transformer_blocks.${k}`;
      return [
        ...norm(`${inner}.norm1`, width),
        ...attentionParameters(`${inner}.attn1`, width, width),
        ...norm(`${inner}.norm2`, width),
        ...attentionParameters(`${inner}.attn2`, width, config.crossAttentionDim),
        ...norm(`${inner}.norm3`, width),
        ...linear(`${inner}.ff.net.0.proj`, width, 8 * width),
        ...linear(`${inner}.ff.net.2`, 4 * width, width),
      ];
    }).flat(),
    ...projection('proj_out'),
  ];
}

function attentionParameters(prefix: string, width: number, contextWidth: number): ParameterSpec[] {
  return [
    ...linear(`${prefix}.to_q`, width, width, false),
    ...linear(`${prefix}.to_k`, contextWidth, width, false),
    ...linear(`${prefix}.to_v`, contextWidth, width, false),
    ...linear(`${prefix}.to_out.0`, width, width),
  ];
}

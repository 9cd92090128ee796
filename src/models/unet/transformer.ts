/** The transformer of a UNet (diffusers Transformer2DModel): its blocks run through `runBlock`, one by one. */
import type { Kernels } from '../../engine/kernels.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { Weights } from '../../engine/weights.ts';
import type { RunBlock } from '../layers/run-block.ts';
import type { BlockPlan } from './unet-config.ts';

/** GroupNorm in front of a transformer has its own epsilon (diffusers Transformer2DModel). */
const TRANSFORMER_NORM_EPS = 1e-6;
const LAYER_NORM_EPS = 1e-5;

export interface TransformerSettings extends Pick<BlockPlan, 'heads' | 'depth'> {
  groups: number;
  /** Text states [B, L, D]. */
  context: Tensor;
}

/** x [B, H, W, C] -> [B, H, W, C]. */
export function transformerForward(
  k: Kernels,
  weights: Weights,
  name: string,
  x: Tensor,
  { groups, heads, depth, context }: TransformerSettings,
  runBlock: RunBlock,
): Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const w = (part: string): Tensor => weights[`${name}.${part}`]!;
  // On flattened NHWC pixels a 1x1 convolution is the linear layer with the same weights.
  const project = (layer: string, h: Tensor) => {
    const weight = w(`${layer}.weight`);
    const matrix = weight.rank === 4 ? weight.reshape([channels, channels]) : weight;
    return k.linear(h, matrix, w(`${layer}.bias`));
  };
  const normed = k.groupNorm(x, w('norm.weight'), w('norm.bias'), groups, TRANSFORMER_NORM_EPS);
  let h = project('proj_in', normed.reshape([batch, height * width, channels]));
  for (let i = 0; i < depth; i++) {
    const block = `${name}.transformer_blocks.${i}`;
    h = runBlock(
      block,
      (own, [h], [context]) => transformerBlock(k, own, block, h!, context!, heads),
      [h],
      [context],
    );
  }
  return project('proj_out', h).reshape(x.shape).add(x);
}

/** Attention to itself, attention to the text, feed-forward (diffusers BasicTransformerBlock). */
function transformerBlock(
  k: Kernels,
  weights: Weights,
  name: string,
  x: Tensor,
  context: Tensor,
  heads: number,
): Tensor {
  const w = (part: string): Tensor => weights[`${name}.${part}`]!;
  const linear = (layer: string, h: Tensor) =>
    k.linear(h, w(`${layer}.weight`), weights[`${name}.${layer}.bias`]);
  const norm = (layer: string, h: Tensor) =>
    k.layerNorm(h, w(`${layer}.weight`), w(`${layer}.bias`), LAYER_NORM_EPS);
  function attention(layer: string, h: Tensor, source: Tensor): Tensor {
    const mixed = k.attention(
      linear(`${layer}.to_q`, h),
      linear(`${layer}.to_k`, source),
      linear(`${layer}.to_v`, source),
      heads,
    );
    return linear(`${layer}.to_out.0`, mixed);
  }
  const normed = norm('norm1', x);
  let h: Tensor = x.add(attention('attn1', normed, normed));
  h = h.add(attention('attn2', norm('norm2', h), context));
  return h.add(linear('ff.net.2', k.geglu(linear('ff.net.0.proj', norm('norm3', h)))));
}

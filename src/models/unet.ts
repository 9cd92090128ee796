/**
 * UNet2DConditionModel (diffusers 0.42) as a function of named weights: Stable Diffusion 1.5, SDXL, and
 * anything smaller with the same blocks. NHWC inside; [B, L, D] for the text states.
 */
import type { Engine, Tensor } from '../engine/engine.ts';
import type { Weights } from '../engine/weights.ts';
import { resnetForward } from './resnet.ts';
import type { BlockPlan, UNetConfig } from './unet-config.ts';

/** GroupNorm in front of a transformer has its own epsilon (diffusers Transformer2DModel). */
const TRANSFORMER_NORM_EPS = 1e-6;
const LAYER_NORM_EPS = 1e-5;

// Types, not interfaces: so that tf.tidy takes them.
export type AddedConditions = {
  /** Pooled text embedding [B, P]. */
  textEmbeds: Tensor;
  /** [B, 6]: original height and width, crop top and left, target height and width, in pixels. */
  timeIds: Tensor;
};

/** What a UNet is told about its prompts. */
export type TextCondition = {
  /** [B, L, D] */
  states: Tensor;
  /** There exactly where the UNet has text_time conditioning (SDXL). */
  added?: AddedConditions;
};

/**
 * The model's prediction for x [B, H, W, in] at timesteps [B] and conditions of B rows: [B, H, W, out].
 */
export function unetForward(
  engine: Engine,
  config: UNetConfig,
  weights: Weights,
  x: Tensor,
  timesteps: Tensor,
  { states: context, added }: TextCondition,
): Tensor {
  const { tf, kernels: k } = engine;
  const { plan, normNumGroups: groups, normEps: eps } = config;
  const w = (name: string): Tensor => weights[name]!;
  const linear = (name: string, h: Tensor) => k.linear(h, w(`${name}.weight`), weights[`${name}.bias`]);
  const conv = (name: string, h: Tensor, stride: 1 | 2 = 1) =>
    k.conv2d(h, w(`${name}.weight`), w(`${name}.bias`), { stride });
  const normSilu = (name: string, h: Tensor) =>
    k.groupNormSilu(h, w(`${name}.weight`), w(`${name}.bias`), groups, eps);
  const layerNorm = (name: string, h: Tensor) =>
    k.layerNorm(h, w(`${name}.weight`), w(`${name}.bias`), LAYER_NORM_EPS);

  const perceptron = (name: string, h: Tensor) =>
    linear(`${name}.linear_2`, k.silu(linear(`${name}.linear_1`, h)));
  const sinusoid = (values: Tensor, width: number) =>
    timestepEmbedding(engine, values, width, config.flipSinToCos, config.freqShift);

  let time = perceptron('time_embedding', sinusoid(timesteps, config.blockOutChannels[0]!));
  if (config.textTime && added) {
    const [batch, ids] = added.timeIds.shape as [number, number];
    const width = config.textTime.timeEmbedDim;
    const times = sinusoid(added.timeIds.reshape([-1]), width).reshape([batch, ids * width]);
    time = time.add(perceptron('add_embedding', tf.concat([added.textEmbeds, times], 1) as Tensor));
  }
  const activeTime = k.silu(time);

  // Blocks free what they computed on the way; a gradient keeps what it needs by itself.
  const resnet = (name: string, h: Tensor) =>
    tf.tidy(() => resnetForward(k, weights, name, h, { groups, eps, activeTime }));
  const residual = (h: Tensor, change: (h: Tensor) => Tensor) => tf.tidy(() => h.add(change(h)) as Tensor);

  function attention(name: string, h: Tensor, source: Tensor, heads: number): Tensor {
    const mixed = k.attention(
      linear(`${name}.to_q`, h),
      linear(`${name}.to_k`, source),
      linear(`${name}.to_v`, source),
      heads,
    );
    return linear(`${name}.to_out.0`, mixed);
  }

  function feedForward(name: string, h: Tensor): Tensor {
    return linear(`${name}.net.2`, k.geglu(linear(`${name}.net.0.proj`, h)));
  }

  const transformer = (name: string, x: Tensor, block: BlockPlan) =>
    tf.tidy(() => transformerForward(name, x, block));

  function transformerForward(name: string, x: Tensor, { heads, depth }: BlockPlan): Tensor {
    const [batch, height, width, channels] = x.shape as [number, number, number, number];
    // On flattened NHWC pixels a 1x1 convolution is the linear layer with the same weights.
    const project = (layer: string, h: Tensor) => {
      const weight = w(`${name}.${layer}.weight`);
      return k.linear(
        h,
        weight.rank === 4 ? weight.reshape([channels, channels]) : weight,
        w(`${name}.${layer}.bias`),
      );
    };
    const normed = k.groupNorm(
      x,
      w(`${name}.norm.weight`),
      w(`${name}.norm.bias`),
      groups,
      TRANSFORMER_NORM_EPS,
    );
    let h = project('proj_in', normed.reshape([batch, height * width, channels]));
    for (let i = 0; i < depth; i++) {
      const block = `${name}.transformer_blocks.${i}`;
      h = residual(h, (x) => {
        const normed = layerNorm(`${block}.norm1`, x);
        return attention(`${block}.attn1`, normed, normed, heads);
      });
      h = residual(h, (x) => attention(`${block}.attn2`, layerNorm(`${block}.norm2`, x), context, heads));
      h = residual(h, (x) => feedForward(`${block}.ff`, layerNorm(`${block}.norm3`, x)));
    }
    return project('proj_out', h).reshape(x.shape).add(x);
  }

  let h = conv('conv_in', x);
  const skips = [h];
  for (const [i, block] of plan.down.entries()) {
    const name = `down_blocks.${i}`;
    for (const j of block.resnets.keys()) {
      h = resnet(`${name}.resnets.${j}`, h);
      if (block.depth > 0) h = transformer(`${name}.attentions.${j}`, h, block);
      skips.push(h);
    }
    if (block.resamples) {
      h = conv(`${name}.downsamplers.0.conv`, h, 2);
      skips.push(h);
    }
  }
  h = resnet('mid_block.resnets.0', h);
  h = transformer('mid_block.attentions.0', h, plan.mid);
  h = resnet('mid_block.resnets.1', h);
  for (const [i, block] of plan.up.entries()) {
    const name = `up_blocks.${i}`;
    for (const j of block.resnets.keys()) {
      h = resnet(`${name}.resnets.${j}`, tf.concat([h, skips.pop()!], 3) as Tensor);
      if (block.depth > 0) h = transformer(`${name}.attentions.${j}`, h, block);
    }
    if (block.resamples) h = conv(`${name}.upsamplers.0.conv`, k.upsampleNearest2x(h));
  }
  return conv('conv_out', normSilu('conv_norm_out', h));
}

/**
 * Sinusoidal embedding of [B] values: [B, width]. Frequencies 10000^(-i / (width/2 - freqShift)); cosines
 * first when `flipSinToCos` (diffusers get_timestep_embedding).
 */
function timestepEmbedding(
  { tf }: Engine,
  values: Tensor,
  width: number,
  flipSinToCos: boolean,
  freqShift: number,
): Tensor {
  const half = width / 2;
  const frequencies = Float32Array.from({ length: half }, (_, i) =>
    Math.exp((-Math.log(10000) * i) / (half - freqShift)),
  );
  const angles = tf
    .cast(values, 'float32')
    .reshape([-1, 1])
    .mul(tf.tensor2d(frequencies, [1, half]));
  const [sin, cos] = [angles.sin(), angles.cos()];
  return tf.concat(flipSinToCos ? [cos, sin] : [sin, cos], 1) as Tensor;
}

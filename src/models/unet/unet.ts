/**
 * UNet2DConditionModel (diffusers 0.42) as a function of named weights: Stable Diffusion 1.5, SDXL, and
 * anything smaller with the same blocks. NHWC inside; [B, L, D] for the text states.
 */
import { inChains } from '../../engine/chains.ts';
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { Weights } from '../../engine/weights.ts';
import { resnetForward } from '../layers/resnet.ts';
import { type RunBlock, straight } from '../layers/run-block.ts';
import { transformerForward } from './transformer.ts';
import type { BlockPlan, UNetConfig } from './unet-config.ts';

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
 * @param runBlock how residual and transformer blocks are run; on `checkpointed` the text states get no gradient
 */
export function unetForward(
  engine: Engine,
  config: UNetConfig,
  weights: Weights,
  x: Tensor,
  timesteps: Tensor,
  condition: TextCondition,
  runBlock: RunBlock = straight(engine.tf, weights),
): Tensor {
  return inChains(engine, { x, timesteps, condition }, (rows) =>
    forward(engine, config, weights, rows, runBlock),
  );
}

// A type, not an interface: so that it is a tree of tensors.
type Rows = { x: Tensor; timesteps: Tensor; condition: TextCondition };

function forward(
  engine: Engine,
  config: UNetConfig,
  weights: Weights,
  { x, timesteps, condition: { states: context, added } }: Rows,
  runBlock: RunBlock,
): Tensor {
  const { tf, kernels: k } = engine;
  const { plan, normNumGroups: groups, normEps: eps } = config;
  const w = (name: string): Tensor => weights[name]!;
  const linear = (name: string, h: Tensor) => k.linear(h, w(`${name}.weight`), weights[`${name}.bias`]);
  const conv = (name: string, h: Tensor, stride: 1 | 2 = 1) =>
    k.conv2d(h, w(`${name}.weight`), w(`${name}.bias`), { stride });
  const normSilu = (name: string, h: Tensor) =>
    k.groupNormSilu(h, w(`${name}.weight`), w(`${name}.bias`), groups, eps);

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

  const resnet = (name: string, h: Tensor) =>
    runBlock(name, (own, [h, activeTime]) => resnetForward(k, own, name, h!, { groups, eps, activeTime }), [
      h,
      activeTime,
    ]);
  const transformer = (name: string, h: Tensor, { heads, depth }: BlockPlan) =>
    tf.tidy(() => transformerForward(k, weights, name, h, { groups, heads, depth, context }, runBlock));

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

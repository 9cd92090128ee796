/**
 * Stable Diffusion's networks made narrower, with random weights in diffusers' layout: the block types, depths, head
 * layout and text length of the originals, so that the same operations come in the same order at a fraction of the
 * time. Nothing here is trained.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type HostTensor, writeSafetensors } from '../../src/engine/safetensors.ts';
import { sizeOf } from '../../src/engine/tensor.ts';
import type { ParameterSpec } from '../../src/engine/weights.ts';
import { UNET, VAE } from '../../src/models/folders/network-kinds.ts';
import { createRandom } from '../../src/random.ts';

const UNET_COMMON = {
  ...{ _class_name: 'UNet2DConditionModel', in_channels: 4, out_channels: 4, layers_per_block: 2 },
  ...{ norm_num_groups: 32, norm_eps: 1e-5, act_fn: 'silu', flip_sin_to_cos: true, freq_shift: 0 },
};
const plain = (side: string) => `${side}Block2D`;
const crossed = (side: string) => `CrossAttn${side}Block2D`;

/** The original has 320, 640, 1280, 1280 channels, 8 heads of 40 and more, and text states of 768. */
export function reducedSd15(width: number, textWidth: number, sampleSize: number) {
  return {
    ...UNET_COMMON,
    ...{ sample_size: sampleSize, cross_attention_dim: textWidth, attention_head_dim: 8 },
    block_out_channels: [width, 2 * width, 4 * width, 4 * width],
    down_block_types: [crossed('Down'), crossed('Down'), crossed('Down'), plain('Down')],
    up_block_types: [plain('Up'), crossed('Up'), crossed('Up'), crossed('Up')],
  };
}

/** The original has 320, 640, 1280 channels, heads of 64, text states of 2048, pooled text of 1280. */
export function reducedSdxl(width: number, textWidth: number, pooled: number, sampleSize: number) {
  const [embed, ids] = [width / 2, 6];
  return {
    ...UNET_COMMON,
    ...{ sample_size: sampleSize, cross_attention_dim: textWidth, use_linear_projection: true },
    ...{ block_out_channels: [width, 2 * width, 4 * width], transformer_layers_per_block: [1, 2, 10] },
    attention_head_dim: [1, 2, 4].map((factor) => (factor * width) / 64),
    ...{ addition_embed_type: 'text_time', addition_time_embed_dim: embed },
    projection_class_embeddings_input_dim: pooled + ids * embed,
    down_block_types: [plain('Down'), crossed('Down'), crossed('Down')],
    up_block_types: [crossed('Up'), crossed('Up'), plain('Up')],
  };
}

/** The original has 128, 256, 512, 512 channels. */
export function reducedVae(width: number, sampleSize: number) {
  return {
    ...{ _class_name: 'AutoencoderKL', act_fn: 'silu', in_channels: 3, out_channels: 3, latent_channels: 4 },
    ...{ layers_per_block: 2, norm_num_groups: 32, sample_size: sampleSize, scaling_factor: 0.18215 },
    block_out_channels: [width, 2 * width, 4 * width, 4 * width],
    down_block_types: Array.from({ length: 4 }, () => 'DownEncoderBlock2D'),
    up_block_types: Array.from({ length: 4 }, () => 'UpDecoderBlock2D'),
  };
}

export const SCHEDULER = {
  ...{ _class_name: 'DDIMScheduler', num_train_timesteps: 1000, beta_schedule: 'scaled_linear' },
  ...{ beta_start: 0.00085, beta_end: 0.012, clip_sample: false, set_alpha_to_one: false, steps_offset: 1 },
};

export async function writeUnet(folder: string, json: Record<string, unknown>): Promise<void> {
  await writeNetwork(folder, json, UNET.parameters(UNET.parse(json)));
}

export async function writeVae(folder: string, json: Record<string, unknown>): Promise<void> {
  await writeNetwork(folder, json, VAE.parameters(VAE.parse(json)));
}

async function writeNetwork(folder: string, json: object, specs: ParameterSpec[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'config.json'), JSON.stringify(json));
  const file = path.join(folder, `${UNET.stem}.safetensors`);
  await writeSafetensors(file, Object.fromEntries(specs.map((spec) => [spec.name, randomWeight(spec)])));
}

/** Uniform, of a size that leaves activations about as large as they were; norms near 1 and 0. */
function randomWeight({ name, shape }: ParameterSpec): HostTensor {
  const { next } = createRandom(shape.length + name.length);
  const isNormScale = shape.length === 1 && name.endsWith('.weight');
  const reach = shape.length === 1 ? 0.1 : 1 / Math.sqrt(sizeOf(shape.slice(1)));
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = (isNormScale ? 1 : 0) + reach * (2 * next() - 1);
  return { shape, dtype: 'float32', data };
}

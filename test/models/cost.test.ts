/** Operations against torch.utils.flop_counter.FlopCounterMode on diffusers 0.42.1's networks: equal, not close. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { unetCost, vaeDecodeCost, vaeEncodeCost } from '../../src/models/folders/cost.ts';
import { parseUNetConfig } from '../../src/models/unet/unet-config.ts';
import { parseVaeConfig } from '../../src/models/vae/vae-parameters.ts';
import { readJson } from '../components/tensors.ts';
import { PUBLISHED } from './published.ts';

const GOLDEN = path.resolve(import.meta.dirname, '../golden');
const tiny = (name: string) => readJson(GOLDEN, name, 'model', 'config.json');
const PUBLISHED_VAE = {
  down_block_types: Array.from({ length: 4 }, () => 'DownEncoderBlock2D'),
  up_block_types: Array.from({ length: 4 }, () => 'UpDecoderBlock2D'),
  block_out_channels: [128, 256, 512, 512],
  layers_per_block: 2,
};

for (const [name, config, side, flops] of [
  ['sd15', PUBLISHED.sd15, 64, 803_273_441_280],
  ['sdxl', PUBLISHED.sdxl, 128, 6_761_236_398_080],
  ['tiny SD1.5 shape', tiny('unet-sd15'), 16, 32_690_752],
  ['tiny SDXL shape', tiny('unet-sdxl'), 16, 22_613_632],
] as const) {
  test(`${name}: operations of the UNet`, () => {
    assert.equal(unetCost(parseUNetConfig(config), side, 77).flops, flops);
  });
}

for (const [name, config, decode, encode] of [
  ['published', PUBLISHED_VAE, 2_514_518_933_504, 1_116_658_466_816],
  ['tiny', tiny('vae'), 4_878_630_912, 3_247_964_160],
] as const) {
  test(`${name} VAE: operations of decoding 64 x 64 latents, and of encoding what they stand for`, () => {
    const vae = parseVaeConfig(config);
    assert.equal(vaeDecodeCost(vae, 64).flops, decode);
    assert.equal(vaeEncodeCost(vae, 64 * vae.factor).flops, encode);
  });
}

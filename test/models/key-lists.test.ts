/** The published UNets fit name by name and shape by shape: lists of the official files against our parameters. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parseUNetConfig } from '../../src/models/unet-config.ts';
import { unetParameters } from '../../src/models/unet-parameters.ts';

const CROSS_DOWN = 'CrossAttnDownBlock2D';
const CROSS_UP = 'CrossAttnUpBlock2D';

/** The published config.json of each, as far as it decides about weights. */
const PUBLISHED = {
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

for (const [name, config, tensors, parameters] of [
  ['sd15', PUBLISHED.sd15, 686, 859_520_964],
  ['sdxl', PUBLISHED.sdxl, 1680, 2_567_463_684],
] as const) {
  test(`${name}: all ${tensors} tensors and ${parameters.toLocaleString('en')} parameters of the official UNet`, () => {
    const file = path.join(import.meta.dirname, 'keys', `${name}-unet-keys.txt`);
    const official = readFileSync(file, 'utf8').trim().split('\n').sort();
    const specs = unetParameters(parseUNetConfig({ ...SHARED, ...config }));
    const ours = specs.map((spec) => `${spec.name} [${spec.shape.join(', ')}]`).sort();
    assert.deepEqual(ours, official);
    assert.equal(official.length, tensors);
    const count = specs.reduce((sum, { shape }) => sum + shape.reduce((n, d) => n * d, 1), 0);
    assert.equal(count, parameters);
  });
}

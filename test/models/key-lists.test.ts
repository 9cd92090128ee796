/** The published UNets fit name by name and shape by shape: lists of the official files against our parameters. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parseUNetConfig } from '../../src/models/unet/unet-config.ts';
import { unetParameters } from '../../src/models/unet/unet-parameters.ts';
import { PUBLISHED } from './published.ts';

for (const [name, config, tensors, parameters] of [
  ['sd15', PUBLISHED.sd15, 686, 859_520_964],
  ['sdxl', PUBLISHED.sdxl, 1680, 2_567_463_684],
] as const) {
  test(`${name}: all ${tensors} tensors and ${parameters.toLocaleString('en')} parameters of the official UNet`, () => {
    const file = path.join(import.meta.dirname, 'keys', `${name}-unet-keys.txt`);
    const official = readFileSync(file, 'utf8').trim().split('\n').sort();
    const specs = unetParameters(parseUNetConfig(config));
    const ours = specs.map((spec) => `${spec.name} [${spec.shape.join(', ')}]`).sort();
    assert.deepEqual(ours, official);
    assert.equal(official.length, tensors);
    const count = specs.reduce((sum, { shape }) => sum + shape.reduce((n, d) => n * d, 1), 0);
    assert.equal(count, parameters);
  });
}

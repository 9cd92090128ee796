/** The Inception of pytorch-fid: its names, and what is told of a file that is something else. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { openEngine } from '../../src/engine/engine.ts';
import { readTensors, writeSafetensors } from '../../src/engine/safetensors.ts';
import { inceptionParameters, loadInception } from '../../src/models/inception/inception.ts';
import { inceptionLayers, PUBLISHED_UNIT } from '../../src/models/inception/inception-layers.ts';
import { goldenCase } from '../golden.ts';
import { temporaryFolder } from '../temporary.ts';

test('every tensor of the published network, name by name and shape by shape', () => {
  const file = path.join(import.meta.dirname, 'keys', 'inception-keys.txt');
  const official = readFileSync(file, 'utf8').trim().split('\n').sort();
  const specs = inceptionParameters(inceptionLayers(PUBLISHED_UNIT));
  assert.deepEqual(specs.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).sort(), official);
});

test('a file that is another network, or lacks a tensor, is refused by name', async (t) => {
  const engine = await openEngine();
  const golden = await goldenCase('inception');
  const file = path.join(golden.folder, 'model', 'inception.safetensors');
  const whole = await readTensors(file);
  const damaged = path.join(await temporaryFolder(t), 'damaged.safetensors');
  for (const name of ['Conv2d_1a_3x3.conv.weight', 'Mixed_7c.branch3x3_2b.bn.running_var']) {
    const { [name]: _, ...rest } = whole;
    await writeSafetensors(damaged, rest);
    await assert.rejects(loadInception(engine, damaged), {
      code: 'DIPTYCH_BAD_MODEL',
      message: new RegExp(`damaged\\.safetensors: no tensor "${name}"`),
    });
  }
});

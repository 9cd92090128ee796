/** The aesthetic head and ImageReward (their numbers are in test/golden): what they refuse. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { openEngine } from '../../src/engine/engine.ts';
import { readTensors, writeSafetensors } from '../../src/engine/safetensors.ts';
import { loadWeights } from '../../src/engine/weights.ts';
import { aestheticParameters, parseAestheticConfig } from '../../src/models/aesthetic.ts';
import {
  imageRewardAlias,
  imageRewardParameters,
  parseImageRewardConfig,
} from '../../src/models/image-reward.ts';
import { readConfig } from '../../src/models/model-folder.ts';
import { goldenCase } from '../golden.ts';
import { temporaryFolder } from '../temporary.ts';

const engine = await openEngine();
const model = path.join((await goldenCase('image-reward')).folder, 'model');
const json = await readConfig(model, 'config.json');

test('a config without sizes is that of the published aesthetic head', () => {
  const specs = aestheticParameters(parseAestheticConfig({}));
  assert.deepEqual(specs[0], { name: 'layers.0.weight', shape: [1024, 768], kind: 'linear' });
  assert.deepEqual(specs.at(-1), { name: 'layers.7.bias', shape: [1], kind: 'vector' });
});

for (const sizes of [[768, 1024, 128, 64], [768, 0, 128, 64, 16], 768, null]) {
  test(`aesthetic sizes ${JSON.stringify(sizes)} are refused by value`, () => {
    assert.throws(() => parseAestheticConfig({ sizes }), {
      code: 'DIPTYCH_BAD_MODEL',
      message: `aesthetic config: "sizes" is ${JSON.stringify(sizes)}; it must be five positive whole numbers`,
    });
  });
}

for (const [field, value, message] of [
  ['vw', undefined, /"vw" is undefined; it must be a positive whole number/],
  ['layers', 1.5, /"layers" is 1\.5/],
  ['std', '1', /"std" is "1"; it must be a number/],
] as const) {
  test(`ImageReward ${field} ${JSON.stringify(value)} is refused by name`, () => {
    const refusal = { code: 'DIPTYCH_BAD_MODEL', message };
    assert.throws(() => parseImageRewardConfig({ ...json, [field]: value }), refusal);
  });
}

test('a tensor of ImageReward that is missing is named', async (t) => {
  const file = path.join(await temporaryFolder(t), 'model.safetensors');
  const { 'mlp.layers.7.bias': _, ...others } = await readTensors(path.join(model, 'model.safetensors'));
  await writeSafetensors(file, others);
  const specs = imageRewardParameters(parseImageRewardConfig(json));
  await assert.rejects(loadWeights(engine, file, specs, { alias: imageRewardAlias }), {
    code: 'DIPTYCH_BAD_MODEL',
    message: /no tensor "mlp\.layers\.7\.bias" of shape \[1\]/,
  });
});

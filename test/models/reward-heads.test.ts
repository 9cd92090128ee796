/** The aesthetic head and ImageReward (their numbers are in test/golden): what they refuse. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { openEngine } from '../../src/engine/engine.ts';
import { readTensors, writeSafetensors } from '../../src/engine/safetensors.ts';
import { loadWeights } from '../../src/engine/weights.ts';
import { readConfig } from '../../src/models/folders/model-folder.ts';
import { aestheticParameters } from '../../src/models/image-scores/aesthetic.ts';
import {
  imageRewardAlias,
  imageRewardParameters,
  parseImageRewardConfig,
} from '../../src/models/image-scores/image-reward.ts';
import { headSizes } from '../../src/models/image-scores/linear-head.ts';
import { medConfig } from '../components/image-reward.ts';
import { goldenCase } from '../golden.ts';
import { temporaryFolder } from '../temporary.ts';

const engine = await openEngine();
const model = path.join((await goldenCase('image-reward')).folder, 'model');
const json = medConfig(await readConfig(model, 'config.json'));

test('the aesthetic head on 768 numbers is the published one', () => {
  const specs = aestheticParameters(headSizes(768));
  assert.deepEqual(specs[0], { name: 'layers.0.weight', shape: [1024, 768], kind: 'linear' });
  assert.deepEqual(
    specs.filter(({ kind }) => kind === 'linear').map(({ shape }) => shape[0]),
    [1024, 128, 64, 16, 1],
  );
  assert.deepEqual(specs.at(-1), { name: 'layers.7.bias', shape: [1], kind: 'vector' });
});

test('the published med_config.json is read with the image tower that it does not tell of', () => {
  const published = {
    architectures: ['BertModel'],
    ...{ hidden_act: 'gelu', hidden_size: 768, intermediate_size: 3072, layer_norm_eps: 1e-12 },
    ...{ max_position_embeddings: 512, model_type: 'bert', num_attention_heads: 12, num_hidden_layers: 12 },
    ...{ pad_token_id: 0, add_type_embeddings: false, vocab_size: 30524, encoder_width: 768 },
    add_cross_attention: true,
  };
  const { vision, text, head, mean, std } = parseImageRewardConfig(published);
  assert.deepEqual([vision.imageSize, vision.patchSize, vision.hiddenSize], [224, 16, 1024]);
  assert.deepEqual([vision.layers, vision.heads, vision.layerNormEps], [24, 16, 1e-6]);
  assert.deepEqual([text.hiddenSize, text.heads, text.vocabSize, text.layerNormEps], [768, 12, 30524, 1e-12]);
  assert.deepEqual([head[0], mean, std], [768, 0.16717362830052426, 1.0333394966054072]);
});

for (const [field, value, message] of [
  ['hidden_size', null, /"hidden_size" is null; it must be a positive whole number/],
  ['num_hidden_layers', 1.5, /"num_hidden_layers" is 1\.5/],
  ['vision_config', { patch_size: 0 }, /"patch_size" is 0/],
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

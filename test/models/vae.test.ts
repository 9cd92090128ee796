/** AutoencoderKL: what a config or a file has wrong is refused by name and value. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { readTensors, writeSafetensors } from '../../src/engine/safetensors.ts';
import { loadWeights } from '../../src/engine/weights.ts';
import { parseVaeConfig, vaeAlias, vaeParameters } from '../../src/models/vae/vae-parameters.ts';
import { engine, readJson } from '../components/tensors.ts';
import { goldenCase } from '../golden.ts';
import { temporaryFolder } from '../temporary.ts';

const MODEL = path.join((await goldenCase('vae')).folder, 'model');
const CONFIG = readJson(MODEL, 'config.json');

test('a config value that would make another network is refused by field and value', () => {
  for (const [change, message] of [
    [{ _class_name: 'VQModel' }, /"_class_name" is "VQModel"; supported: \["AutoencoderKL"\]/],
    [{ act_fn: 'gelu' }, /"act_fn" is "gelu"; supported: \["silu"\]/],
    [{ shift_factor: 0.1 }, /"shift_factor" is 0\.1; supported: \[null\]/],
    [{ mid_block_add_attention: false }, /"mid_block_add_attention" is false/],
    [{ down_block_types: ['AttnDownEncoderBlock2D'] }, /"AttnDownEncoderBlock2D" is not supported/],
    [{ up_block_types: ['AttnUpDecoderBlock2D'] }, /"AttnUpDecoderBlock2D" is not supported/],
  ] as const) {
    assert.throws(() => parseVaeConfig({ ...CONFIG, ...change }), { code: 'DIPTYCH_BAD_MODEL', message });
  }
});

test('without the convolutions beside the latents their weights are not asked for', () => {
  const names = (change: object) =>
    vaeParameters(parseVaeConfig({ ...CONFIG, ...change })).map(({ name }) => name);
  const has = (list: string[]) => list.filter((name) => name.includes('quant_conv.weight'));
  assert.deepEqual(has(names({})), ['quant_conv.weight', 'post_quant_conv.weight']);
  assert.deepEqual(has(names({ use_quant_conv: false, use_post_quant_conv: false })), []);
});

test('a missing weight is named as diffusers names it now', async (t) => {
  const all = await readTensors(path.join(MODEL, 'diffusion_pytorch_model.safetensors'));
  const name = 'decoder.mid_block.attentions.0.to_q.weight';
  delete all[name];
  const file = path.join(await temporaryFolder(t), 'vae.safetensors');
  await writeSafetensors(file, all);
  const specs = vaeParameters(parseVaeConfig(CONFIG));
  await assert.rejects(loadWeights(engine, file, specs, { alias: vaeAlias }), {
    code: 'DIPTYCH_BAD_MODEL',
    message: new RegExp(`no tensor "${name.replaceAll('.', '\\.')}" of shape \\[16,16\\]`),
  });
});

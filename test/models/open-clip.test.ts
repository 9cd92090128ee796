/** Folders in open_clip's layout (the numbers are in test/golden/open-clip). */
import assert from 'node:assert/strict';
import { copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { openEngine } from '../../src/engine/engine.ts';
import { readTensors, writeSafetensors } from '../../src/engine/safetensors.ts';
import { openClipPreprocessor, parseOpenClipConfig } from '../../src/models/clip/open-clip.ts';
import { loadClipModel, readConfig } from '../../src/models/folders/model-folder.ts';
import { goldenCase } from '../golden.ts';
import { temporaryFolder } from '../temporary.ts';

const engine = await openEngine();
const recorded = path.join((await goldenCase('open-clip')).folder, 'model');
const tokenizer = (await goldenCase('clip-tokenizer')).folder;
const CONFIG = 'open_clip_config.json';
const WEIGHTS = 'open_clip_model.safetensors';
const { model_cfg: model } = (await readConfig(recorded, CONFIG)) as Record<string, Record<string, object>>;

async function folderWith(t: TestContext, weights: string): Promise<string> {
  const folder = await temporaryFolder(t);
  for (const name of [CONFIG, weights]) await copyFile(path.join(recorded, name), path.join(folder, name));
  for (const name of ['vocab.json', 'merges.txt', 'tokenizer_config.json'])
    await copyFile(path.join(tokenizer, name), path.join(folder, name));
  return folder;
}

test('a folder loads as a CLIP model and leaves no tensor behind', async (t) => {
  const folder = await folderWith(t, WEIGHTS);
  const before = engine.tf.memory().numTensors;
  const loaded = await loadClipModel(engine, folder);
  assert.deepEqual(Object.keys(loaded.weights).sort(), loaded.specs.map(({ name }) => name).sort());
  assert.equal(loaded.config.vision.heads, 4);
  assert.equal(loaded.preprocessor.image_mean.length, 3);
  loaded.dispose();
  assert.equal(engine.tf.memory().numTensors, before);
});

test("torch's own file is refused by name, with what to do", async (t) => {
  await assert.rejects(loadClipModel(engine, await folderWith(t, 'checkpoint.pt')), {
    code: 'DIPTYCH_BAD_MODEL',
    message: /checkpoint\.pt is a pickle, which is not read; convert it to open_clip_model\.safetensors/,
  });
});

test('a tensor that is missing, or of another shape, has its own name in the error', async (t) => {
  const folder = await folderWith(t, WEIGHTS);
  const file = path.join(folder, WEIGHTS);
  const name = 'transformer.resblocks.0.attn.in_proj_weight';
  const { [name]: fused, ...others } = await readTensors(file);
  await writeSafetensors(file, others);
  await assert.rejects(loadClipModel(engine, folder), {
    code: 'DIPTYCH_BAD_MODEL',
    message: /no tensor "transformer\.resblocks\.0\.attn\.in_proj_weight" of shape \[72,24\]/,
  });
  await writeSafetensors(file, { ...others, [name]: { ...fused!, shape: fused!.shape.toReversed() } });
  await assert.rejects(loadClipModel(engine, folder), { message: /has shape \[24,72\], expected \[72,24\]/ });
});

for (const [field, value] of [
  ['resize_mode', 'squash'],
  ['fill_color', 255],
] as const) {
  test(`${field} ${value} is refused by name`, () => {
    assert.throws(() => openClipPreprocessor({ [field]: value }, 32), {
      code: 'DIPTYCH_BAD_MODEL',
      message: new RegExp(`"${field}" is ${JSON.stringify(value)}`),
    });
  });
}

test('a config without means is refused', () => {
  assert.throws(() => openClipPreprocessor({ std: [1, 1, 1] }, 32), {
    code: 'DIPTYCH_BAD_MODEL',
    message: /open_clip preprocess_cfg: "image_mean" is undefined/,
  });
});

test("transformers' config.json goes first where a folder has both", async (t) => {
  const folder = await folderWith(t, WEIGHTS);
  await writeFile(path.join(folder, 'config.json'), '{');
  await assert.rejects(loadClipModel(engine, folder), { message: /can't read .*\/config\.json/ });
});

for (const [what, change, message] of [
  ['a ResNet', { vision_cfg: { ...model!.vision_cfg, layers: [3, 4, 6, 3] } }, /"layers" is \[3,4,6,3\]/],
  [
    'a timm tower',
    { vision_cfg: { ...model!.vision_cfg, timm_model_name: 'x' } },
    /"timm_model_name" is "x"/,
  ],
  ['a text tower of Hugging Face', { text_cfg: { hf_model_name: 'y' } }, /"hf_model_name" is "y"/],
  ['another loss', { init_logit_bias: -10 }, /open_clip model_cfg: "init_logit_bias" is -10/],
  ['no image tower', { vision_cfg: undefined }, /open_clip vision_cfg: "width" is undefined/],
  [
    'an odd ratio',
    { text_cfg: { ...model!.text_cfg, mlp_ratio: 'four' } },
    /"mlp_ratio" is "four"; it must be a positive number/,
  ],
] as const) {
  test(`${what} is refused by name`, () => {
    const refusal = { code: 'DIPTYCH_BAD_MODEL', message };
    assert.throws(() => parseOpenClipConfig({ ...model, ...change }), refusal);
  });
}

test('fields that are off, or for training, are no obstacle; quick_gelu is read', () => {
  const vision_cfg = { ...model!.vision_cfg, patch_dropout: 0.5, attentional_pool: false, mlp_ratio: 4.9231 };
  const config = parseOpenClipConfig({ ...model, vision_cfg, quick_gelu: true });
  assert.equal(config.vision.intermediateSize, 196);
  assert.equal(config.vision.activation, 'quick_gelu');
});

test('another filter than bicubic is refused by name', () => {
  assert.throws(() => openClipPreprocessor({ interpolation: 'bilinear' }, 32), {
    code: 'DIPTYCH_BAD_MODEL',
    message: /"interpolation" is "bilinear"; supported: \["bicubic"\]/,
  });
});

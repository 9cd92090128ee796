/** Folders of scorers: what is missing or wrong is named, and nothing is left behind (numbers: test/golden/scorers). */
import assert from 'node:assert/strict';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { readTensors, writeSafetensors } from '../../src/engine/safetensors.ts';
import {
  loadAestheticHead,
  loadBlipVqa,
  loadImageReward,
  loadOwlVit,
} from '../../src/models/folders/scorer-folders.ts';
import { engine } from '../components/tensors.ts';
import { temporaryFolder } from '../temporary.ts';
import { writeTinyAesthetic, writeTinyBlip, writeTinyImageReward, writeTinyOwlVit } from './tiny-scorers.ts';

interface Kind {
  write(folder: string): Promise<void>;
  load(folder: string): Promise<{ hash: string; dispose(): void }>;
  weights: string;
  tensor: string;
}

const KINDS: Record<string, Kind> = {
  'BLIP-VQA': {
    write: writeTinyBlip,
    load: (folder) => loadBlipVqa(engine, folder),
    weights: 'model.safetensors',
    tensor: 'vision_model.encoder.layers.1.self_attn.qkv.weight',
  },
  'OWL-ViT': {
    write: writeTinyOwlVit,
    load: (folder) => loadOwlVit(engine, folder),
    weights: 'model.safetensors',
    tensor: 'class_head.logit_shift.bias',
  },
  aesthetic: {
    write: writeTinyAesthetic,
    load: (folder) => loadAestheticHead(engine, folder),
    weights: 'aesthetic.safetensors',
    tensor: 'layers.4.weight',
  },
  ImageReward: {
    write: writeTinyImageReward,
    load: (folder) => loadImageReward(engine, folder),
    weights: 'ImageReward.safetensors',
    tensor: 'blip.text_encoder.encoder.layer.0.crossattention.self.key.weight',
  },
};

async function written(t: TestContext, { write }: Kind): Promise<string> {
  const folder = path.join(await temporaryFolder(t), 'model');
  await write(folder);
  return folder;
}

async function editJson(folder: string, name: string, change: object): Promise<void> {
  const file = path.join(folder, name);
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...change }));
}

for (const [name, kind] of Object.entries(KINDS)) {
  test(`${name}: a folder loads, and once disposed leaves no tensor behind`, async (t) => {
    const folder = await written(t, kind);
    const before = engine.tf.memory().numTensors;
    const model = await kind.load(folder);
    assert.match(model.hash, /^[0-9a-f]{64}$/);
    assert.ok(engine.tf.memory().numTensors > before);
    model.dispose();
    assert.equal(engine.tf.memory().numTensors, before);
  });

  test(`${name}: a missing tensor and one of another shape are named, another weight is another hash`, async (t) => {
    const folder = await written(t, kind);
    const file = path.join(folder, kind.weights);
    const { [kind.tensor]: tensor, ...others } = await readTensors(file);
    const first = await kind.load(folder);
    const shorter = { ...tensor!, shape: [1], data: tensor!.data.slice(0, 1) };
    await writeSafetensors(file, {
      ...others,
      [kind.tensor]: { ...tensor!, data: tensor!.data.map(() => 1) },
    });
    const second = await kind.load(folder);
    assert.notEqual(second.hash, first.hash);
    for (const model of [first, second]) model.dispose();

    await writeSafetensors(file, others);
    await assert.rejects(kind.load(folder), refusal(/no tensor ".*" of shape \[/));
    if (tensor!.data.length === 1) return;
    await writeSafetensors(file, { ...others, [kind.tensor]: shorter });
    await assert.rejects(kind.load(folder), refusal(/has shape \[1\], expected \[/));
  });

  test(`${name}: torch's own file is refused by name`, async (t) => {
    const folder = await written(t, kind);
    const stem = kind.weights.replace('.safetensors', '');
    await rename(path.join(folder, kind.weights), path.join(folder, `${stem}.pt`));
    await assert.rejects(
      kind.load(folder),
      refusal(new RegExp(`${stem}\\.pt is a pickle, .* convert it to ${stem}\\.safetensors`)),
    );
  });
}

const refusal = (message: RegExp) => ({ code: 'DIPTYCH_BAD_MODEL', message });

for (const [name, missing] of [
  ['BLIP-VQA', 'config.json'],
  ['BLIP-VQA', 'vocab.txt'],
  ['BLIP-VQA', 'preprocessor_config.json'],
  ['OWL-ViT', 'merges.txt'],
  ['OWL-ViT', 'preprocessor_config.json'],
  ['aesthetic', 'preprocessor_config.json'],
  ['ImageReward', 'med_config.json'],
  ['ImageReward', 'vocab.txt'],
] as const) {
  test(`${name} without ${missing} is refused by the file's name`, async (t) => {
    const folder = await written(t, KINDS[name]!);
    await rm(path.join(folder, missing));
    await assert.rejects(KINDS[name]!.load(folder), refusal(new RegExp(`can't read .*/${missing}`)));
  });
}

test('a vocabulary without the answers, and one without room for [ENC], are refused', async (t) => {
  const folder = await written(t, KINDS['BLIP-VQA']!);
  const file = path.join(folder, 'vocab.txt');
  await writeFile(file, (await readFile(file, 'utf8')).replace('\nno\n', '\nnot\n'));
  await assert.rejects(loadBlipVqa(engine, folder), refusal(/vocab\.txt has no token "no"/));
  const { text_config } = JSON.parse(await readFile(path.join(folder, 'config.json'), 'utf8'));
  await editJson(folder, 'config.json', { text_config: { ...text_config, bos_token_id: 299 } });
  await assert.rejects(
    loadBlipVqa(engine, folder),
    refusal(/"bos_token_id" is 299, so questions begin with 300; "vocab_size" is 300/),
  );
});

for (const [field, value, message] of [
  ['size', { height: 384, width: 384 }, /BLIP preprocessor: "size" is 384; supported: \[32\]/],
  ['size', { shortest_edge: 32 }, /"size" is {"shortest_edge":32}/],
  ['size', [32, 48], /"size" is \[32,48\]/],
  ['resample', 2, /"resample" is 2; supported: \[3\]/],
  ['do_center_crop', true, /"do_center_crop" is true/],
  ['rescale', false, /"rescale" is false/],
  ['image_mean', [0.5], /"image_mean" is \[0\.5\]; it must be three numbers/],
] as const) {
  test(`a preprocessor whose ${field} is ${JSON.stringify(value)} is refused by name`, async (t) => {
    const folder = await written(t, KINDS['BLIP-VQA']!);
    await editJson(folder, 'preprocessor_config.json', { [field]: value });
    await assert.rejects(loadBlipVqa(engine, folder), refusal(message));
  });
}

for (const size of [32, [32, 32]]) {
  test(`a size written as ${JSON.stringify(size)}, as older folders do, is read`, async (t) => {
    const folder = await written(t, KINDS['BLIP-VQA']!);
    await editJson(folder, 'preprocessor_config.json', { size });
    (await loadBlipVqa(engine, folder)).dispose();
  });
}

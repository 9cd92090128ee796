/** `diptych models check`: what fits is said to fit, and what does not is named. */
import assert from 'node:assert/strict';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type HostTensor, readTensors, writeSafetensors } from '../../src/engine/safetensors.ts';
import { inspectFolder, memoryNeeds } from '../../src/models/folders/inspect.ts';
import { countParameters } from '../../src/models/folders/weight-memory.ts';
import { diptych } from '../cli/run-command.ts';
import { goldenCase } from '../golden.ts';
import { temporaryFolder } from '../temporary.ts';
import { writeTinyAesthetic, writeTinyImageReward, writeTinyOpenClip } from './tiny-scorers.ts';

const SDXL = path.join((await goldenCase('generate-sdxl')).folder, 'model');

/** A copy whose text encoder's tensors, or config, are changed. */
async function damaged(
  t: TestContext,
  tensors: (all: Record<string, HostTensor>) => void,
  config: Record<string, unknown> = {},
): Promise<string> {
  const folder = path.join(await temporaryFolder(t), 'model');
  await cp(SDXL, folder, { recursive: true });
  const file = path.join(folder, 'text_encoder', 'model.safetensors');
  const all = await readTensors(file);
  tensors(all);
  await writeSafetensors(file, all);
  const json = path.join(folder, 'text_encoder', 'config.json');
  await writeFile(json, JSON.stringify({ ...JSON.parse(await readFile(json, 'utf8')), ...config }));
  return folder;
}

/** Exit code and what is printed. */
async function check(folder: string, ...more: string[]): Promise<{ code: number; said: string }> {
  const { code, stdout, stderr } = await diptych('models', 'check', folder, ...more);
  return { code, said: (stdout + stderr).trimEnd() };
}

test('a whole SDXL folder: four networks, every tensor in its place', async (_t) => {
  const report = await inspectFolder(SDXL);
  assert.equal(report.class, 'StableDiffusionXLPipeline');
  assert.deepEqual(
    report.parts.map(({ name, missing, misfits, surplus }) => [name, missing, misfits, surplus]),
    ['text_encoder', 'text_encoder_2', 'unet', 'vae'].map((name) => [name, [], [], []]),
  );
  const sizes = report.parts.map(({ specs }) => countParameters(specs));
  const all = sizes.reduce((a, b) => a + b);
  const attention = report.parts[2]!.specs.filter(({ name }) => /\.to_(q|k|v|out\.0)\.weight$/.test(name));
  const factors = attention.reduce((sum, { shape }) => sum + 8 * (shape[0]! + shape[1]!), 0);
  assert.deepEqual(memoryNeeds(report), {
    sample: 4 * all,
    train: {
      all: 4 * all + 16 * sizes[2]!,
      // Parameters, gradient and two moments of the factors; the changed weights and their gradients.
      lora: 4 * all + 16 * factors + 8 * countParameters(attention),
    },
  });
  const { code, said } = await check(SDXL);
  assert.equal(code, 0);
  assert.match(
    said,
    /^ok {5} vae {14}AutoencoderKL, 24,759 parameters, vae\/diffusion_pytorch_model\.safetensors$/m,
  );
});

for (const [name, className] of [
  ['clip-full', 'CLIPModel'],
  ['vae-oldnames', 'AutoencoderKL'],
  ['unet-sdxl', 'UNet2DConditionModel'],
  ['clip-text-gelu-proj', 'CLIPTextModelWithProjection'],
  ['blip-vqa', 'BlipForQuestionAnswering'],
  ['owlvit', 'OwlViTForObjectDetection'],
] as const) {
  test(`a folder of its own is known as ${className}, and whole`, async () => {
    const report = await inspectFolder(path.join((await goldenCase(name)).folder, 'model'));
    assert.equal(report.class, className);
    assert.deepEqual(
      report.parts.map((part) => [part.name, part.missing, part.misfits]),
      [['.', [], []]],
    );
  });
}

for (const [write, className, classes, files, tensor] of [
  [writeTinyOpenClip, 'open_clip CLIP', ['open_clip CLIP'], ['open_clip_model.safetensors'], 'visual.proj'],
  [writeTinyImageReward, 'ImageReward', ['ImageReward'], ['ImageReward.safetensors'], 'mlp.layers.0.weight'],
  [
    writeTinyAesthetic,
    'CLIPModel',
    ['CLIPModel', 'aesthetic head'],
    ['model.safetensors', 'aesthetic.safetensors'],
    'layers.0.weight',
  ],
] as const) {
  test(`a folder with ${classes.join(' and ')} is known, and whole; what it lacks is named`, async (t) => {
    const folder = path.join(await temporaryFolder(t), 'model');
    await write(folder);
    const report = await inspectFolder(folder);
    assert.equal(report.class, className);
    assert.deepEqual(
      report.parts.map((part) => [part.name, part.class, part.files, part.missing, part.misfits]),
      classes.map((name, i) => ['.', name, [files[i]], [], []]),
    );
    const file = path.join(folder, files.at(-1)!);
    const { [tensor]: _, ...others } = await readTensors(file);
    await writeSafetensors(file, others);
    const { code, said } = await check(folder);
    assert.equal(code, 1);
    assert.ok(said.includes(`missing: "${tensor}" of shape [`), said);
  });
}

test('a missing tensor, a wrong shape and one too many are named; position_ids are no fault', async (t) => {
  const prefix = 'text_model.encoder.layers.0.mlp';
  const folder = await damaged(t, (all) => {
    const names = Object.keys(all);
    const find = (end: string) => names.find((name) => name.endsWith(`layers.0.mlp.${end}`))!;
    delete all[find('fc1.bias')];
    all[find('fc2.bias')] = { shape: [3], dtype: 'float32', data: new Float32Array(3) };
    all.extra = { shape: [1], dtype: 'float32', data: new Float32Array(1) };
    all['text_model.embeddings.position_ids'] = { shape: [1, 2], dtype: 'int32', data: new Int32Array(2) };
  });
  const { code, said } = await check(folder);
  assert.equal(code, 1);
  assert.match(said, /^WRONG {2} text_encoder /m);
  assert.match(
    said,
    new RegExp(`missing: "${prefix.replaceAll('.', '\\.')}\\.fc1\\.bias" of shape \\[16\\]`),
  );
  assert.match(said, /fc2\.bias" has shape \[3\], expected \[8\]/);
  assert.match(said, /not used: "extra"/);
  assert.ok(!said.includes('position_ids'));
});

test('a config that asks for what is not there is refused by field and value', async (t) => {
  const { code, said } = await check(await damaged(t, () => {}, { hidden_act: 'relu' }));
  assert.equal(code, 1);
  assert.match(said, /"hidden_act" is "relu"/);
});

test('a pickle, an unknown class and an empty folder are refused by name', async (t) => {
  const pickled = await damaged(t, () => {});
  await rm(path.join(pickled, 'vae', 'diffusion_pytorch_model.safetensors'));
  await writeFile(path.join(pickled, 'vae', 'diffusion_pytorch_model.bin'), '');
  assert.match((await check(pickled)).said, /vae\/diffusion_pytorch_model\.bin is a pickle/);

  await writeFile(path.join(pickled, 'model_index.json'), '{"vae":');
  assert.match((await check(pickled)).said, /can't read .*model_index\.json: .*JSON/);

  const empty = await temporaryFolder(t);
  assert.match((await check(empty)).said, /can't read .*config\.json/);
  await writeFile(path.join(empty, 'config.json'), '{"architectures": ["LlamaForCausalLM"]}');
  const { code, said } = await check(empty);
  assert.equal(code, 1);
  assert.match(said, /is a LlamaForCausalLM; known are UNet2DConditionModel, AutoencoderKL/);
});

test('as JSON a folder has its parts with what is missing, and what it takes', async () => {
  const { code, stdout } = await diptych('models', 'check', SDXL, '--json');
  const { parts, fits, memory, agreement } = JSON.parse(stdout);
  assert.deepEqual([code, fits, agreement], [0, true, null]);
  assert.deepEqual(parts[2].name, 'unet');
  assert.equal(
    memory.sample,
    4 * parts.reduce((sum: number, part: { parameters: number }) => sum + part.parameters, 0),
  );
});

test('a folder is held to what was recorded of it, and a changed one is caught', async (t) => {
  const recorded = path.dirname(SDXL);
  const good = await check(SDXL, '--case', recorded);
  assert.equal(good.code, 0, good.said);
  assert.match(
    good.said,
    /^agrees {2}with .*: 13 recorded outputs, largest deviation \d+% of the tolerance/m,
  );

  const changed = await damaged(t, (all) => {
    const bias = Object.keys(all).find((name) => name.endsWith('layers.0.mlp.fc2.bias'))!;
    all[bias]!.data[0]! += 0.01;
  });
  const bad = await check(changed, '--case', recorded);
  assert.equal(bad.code, 1);
  assert.match(bad.said, /generate-sdxl \w+: the error is [\d.]+ times the tolerance/);
});

test('one network is held to its own case, in its pipeline or alone', async (_t) => {
  const unet = (await goldenCase('unet-sdxl')).folder;
  const alone = await check(path.join(unet, 'model'), '--case', unet);
  assert.equal(alone.code, 0, alone.said);
  // The pipeline's own UNet has another shape.
  const other = await check(SDXL, '--case', unet);
  assert.deepEqual(
    [other.code, /unet-sdxl width of encoder_hidden_states is/.test(other.said)],
    [1, true],
    other.said,
  );
});

test('what is no case, or one of another kind, or lacks an input, is refused', async (t) => {
  const empty = await temporaryFolder(t);
  const nothing = await check(SDXL, '--case', empty);
  assert.equal(nothing.code, 1);
  assert.match(nothing.said, /can't read .*case\.json.*a recorded case is a folder with case\.json/);

  const { folder } = await goldenCase('frechet');
  const { said } = await check(SDXL, '--case', folder);
  assert.match(said, /is a case of "[^"]*"; a folder can be checked against UNet2DConditionModel/);

  await cp(path.join((await goldenCase('generate-sdxl')).folder, 'case.json'), path.join(empty, 'case.json'));
  await writeSafetensors(path.join(empty, 'io.safetensors'), {});
  assert.match((await check(SDXL, '--case', empty)).said, /io\.safetensors has no tensor "in\.latents"/);
});

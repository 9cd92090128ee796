/** LoRA layers and files: a round trip, a start that changes nothing, and what does not fit is refused by name. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { createFlatParameters } from '../../src/engine/flat-parameters.ts';
import {
  type HostTensor,
  readSafetensorsHeader,
  readTensors,
  writeSafetensors,
} from '../../src/engine/safetensors.ts';
import { disposeWeights, loadWeights, toHost } from '../../src/engine/weights.ts';
import { loadLora, saveLora } from '../../src/models/folders/lora-files.ts';
import {
  ATTENTION_LAYERS,
  initialLora,
  loraConfig,
  loraParameters,
  loraTargets,
  withLora,
} from '../../src/models/unet/lora.ts';
import { parseUNetConfig } from '../../src/models/unet/unet-config.ts';
import { unetParameters } from '../../src/models/unet/unet-parameters.ts';
import { createRandom } from '../../src/random.ts';
import { engine } from '../components/tensors.ts';
import { goldenCase } from '../golden.ts';
import { temporaryFolder } from '../temporary.ts';

const { folder, json } = await goldenCase('lora');
const MODEL = path.join(folder, json.unet_model);
const specs = unetParameters(
  parseUNetConfig(JSON.parse(await readFile(path.join(MODEL, 'config.json'), 'utf8'))),
);
const FILE = path.join(folder, 'pytorch_lora_weights.safetensors');
const TO_Q = 'mid_block.attentions.0.transformer_blocks.0.attn1.to_q';

/** A copy of the recorded file with other tensors or metadata. */
async function changed(
  t: TestContext,
  tensors: (all: Record<string, HostTensor>) => Record<string, HostTensor> | undefined,
  metadata?: Record<string, unknown>,
): Promise<string> {
  const file = path.join(await temporaryFolder(t), 'lora.safetensors');
  const all = await readTensors(FILE);
  const header = metadata && { lora_adapter_metadata: JSON.stringify(metadata) };
  await writeSafetensors(file, tensors(all) ?? all, header);
  return file;
}

const refused = (file: string, message: RegExp) =>
  assert.rejects(loadLora(engine, file, specs), { code: 'DIPTYCH_BAD_MODEL', message });

test('what is written has the names diffusers gives, keeps rank and alpha, and reads back bit for bit', async (t) => {
  const read = await loadLora(engine, FILE, specs);
  assert.deepEqual(read.config.targets, loraTargets(specs, ATTENTION_LAYERS));
  const host = toHost(read.weights, read.specs);
  const file = path.join(await temporaryFolder(t), 'lora.safetensors');
  await saveLora(file, { ...read.config, alpha: 6.5 }, host);

  assert.deepEqual(await readTensors(file), await readTensors(FILE));
  const metadata = JSON.parse((await readSafetensorsHeader(file)).metadata.lora_adapter_metadata!);
  assert.equal(metadata['unet.r'], json.unet_rank);
  assert.equal(metadata['unet.lora_alpha'], 6.5);
  const again = await loadLora(engine, file, specs);
  assert.deepEqual(again.config, { ...read.config, alpha: 6.5 });
  disposeWeights(read.weights);
  disposeWeights(again.weights);
});

test('names of attention processors, which diffusers wrote before 0.22, are read', async (t) => {
  const file = await changed(t, (all) =>
    Object.fromEntries(
      Object.entries(all).map(([name, tensor]) => [
        name.replace(/\.(to_[qkv]|to_out)(\.0)?\.lora\./, '.processor.$1_lora.'),
        tensor,
      ]),
    ),
  );
  assert.ok(
    (await readSafetensorsHeader(file)).entries.has(
      `unet.${TO_Q}`.replace('to_q', 'processor.to_q_lora.up.weight'),
    ),
  );
  const [old, now] = [await loadLora(engine, file, specs), await loadLora(engine, FILE, specs)];
  assert.deepEqual(toHost(old.weights, old.specs), toHost(now.weights, now.specs));
  disposeWeights(old.weights);
  disposeWeights(now.weights);
});

test('a fresh LoRA changes nothing: A is random with deviation 1 / rank, B is zero; convolutions too', async () => {
  const base = await loadWeights(engine, path.join(MODEL, 'diffusion_pytorch_model.safetensors'), specs);
  const config = loraConfig(loraTargets(specs, ['to_q', 'conv1', 'proj_in']), 2, 4);
  const specsOfLora = loraParameters(config);
  const host = initialLora(config, createRandom(1));
  const { data, shape } = host['down_blocks.0.resnets.0.conv1.lora_A.weight']!;
  assert.equal(shape.length, 4);
  const deviation = Math.sqrt([...data].reduce((sum, a) => sum + a * a, 0) / data.length);
  assert.ok(Math.abs(deviation - 0.5) < 0.1, `deviation ${deviation}`);

  const flat = createFlatParameters(engine, specsOfLora, host);
  const lora = flat.weights();
  const before = engine.tf.memory().numTensors;
  const weights = withLora(engine, config, base, lora);
  assert.equal(engine.tf.memory().numTensors - before, config.targets.length, 'new tensors');
  for (const { name } of config.targets) {
    assert.notEqual(weights[name], base[name]);
    assert.deepEqual(weights[name]!.dataSync(), base[name]!.dataSync(), name);
  }
  for (const { name } of config.targets) weights[name]!.dispose();
  disposeWeights(base);
  disposeWeights(lora);
  flat.dispose();
});

test('a tensor that fits nothing is named: kohya and text encoder names, a layer that is not there, DoRA', async (t) => {
  for (const name of [
    'lora_unet_mid_block_attentions_0_proj_in.lora_down.weight',
    'text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer.up.weight',
    'unet.mid_block.attentions.7.proj_in.lora.down.weight',
    `unet.${TO_Q}.lora_magnitude_vector`,
    // Beside the same layer under diffusers' name.
    `${TO_Q}.lora_A.weight`,
  ]) {
    const extra: HostTensor = { shape: [1], dtype: 'float32', data: new Float32Array(1) };
    const file = await changed(t, (all) => ({ ...all, [name]: extra }));
    const said = name.startsWith(TO_Q) ? `unet.${TO_Q}.lora.down.weight` : name;
    await refused(file, new RegExp(`tensor "${said.replaceAll('.', '\\.')}" fits no linear layer`));
  }
});

test('half a pair, another shape, another rank and an empty file are named', async (t) => {
  const [down, up] = ['down', 'up'].map((part) => `unet.${TO_Q}.lora.${part}.weight`) as [string, string];
  const vector: HostTensor = { shape: [3], dtype: 'float32', data: new Float32Array(3) };
  const other: HostTensor = { shape: [1, 16], dtype: 'float32', data: new Float32Array(16) };
  await refused(
    await changed(t, (all) => void delete all[up]),
    /no tensor ".*attn1\.to_q\.lora_B\.weight" of shape \[\d+,4\]/,
  );
  await refused(
    await changed(t, (all) => ({ ...all, [up]: vector })),
    /to_q\.lora\.up\.weight" has shape \[3\]/,
  );
  await refused(
    await changed(t, (all) => ({ ...all, [down]: other })),
    /to_q\.lora\.down\.weight" has shape \[1,16\], expected \[4,\d+\]/,
  );
  await refused(await changed(t, () => ({})), /holds no LoRA layer/);
});

test('metadata that would change the scale is refused by field and value', async (t) => {
  for (const [metadata, message] of [
    [{ lora_alpha: 8, use_rslora: true }, /"use_rslora" is true; supported: false/],
    [{ 'unet.lora_alpha': 8, 'unet.alpha_pattern': { to_q: 2 } }, /"alpha_pattern" is \{"to_q":2\}/],
    [{ lora_alpha: 'eight' }, /"lora_alpha" .* is "eight"/],
    [{ r: 4 }, /"lora_alpha" .* is undefined/],
  ] as const) {
    await refused(await changed(t, () => undefined, metadata), message);
  }
});

test('a rank, an alpha or a layer that cannot be is refused by its value', () => {
  const invalid = (message: RegExp) => ({ code: 'DIPTYCH_INVALID_INPUT', message });
  for (const rank of [0, 2.5, -1]) assert.throws(() => loraConfig([], rank, 1), invalid(/the rank is/));
  for (const alpha of [0, Number.NaN]) assert.throws(() => loraConfig([], 4, alpha), invalid(/alpha is/));
  assert.throws(() => loraTargets(specs, ['to_q', 'to_x']), invalid(/is named "to_x"/));
  // There, but a norm.
  assert.throws(() => loraTargets(specs, ['conv_norm_out']), invalid(/is named "conv_norm_out"/));
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { openEngine, type Tensor } from '../../src/engine/engine.ts';
import { type HostTensor, writeSafetensors } from '../../src/engine/safetensors.ts';
import { disposeWeights, loadWeights, toTorchLayout, type Weights } from '../../src/engine/weights.ts';
import {
  clipImageEmbeds,
  clipParameters,
  clipTextEmbeds,
  parseClipConfig,
  unitRows,
} from '../../src/models/clip.ts';
import {
  clipTextForward,
  clipTextParameters,
  parseClipTextConfig,
  textAlias,
} from '../../src/models/clip-text.ts';
import { loadTokenizer } from '../../src/models/tokenizer.ts';
import { unetForward } from '../../src/models/unet.ts';
import { parseUNetConfig } from '../../src/models/unet-config.ts';
import { unetParameters } from '../../src/models/unet-parameters.ts';
import { goldenCase } from '../golden.ts';
import { temporaryFolder } from '../temporary.ts';

const engine = await openEngine();
const { tf } = engine;
const json = (...parts: string[]) => JSON.parse(readFileSync(path.join(...parts), 'utf8'));
const device = ({ data, shape, dtype }: HostTensor): Tensor => tf.tensor(data, shape, dtype);
const toNhwc = (t: HostTensor): Tensor => device(t).transpose([0, 2, 3, 1]);
const values = (t: Tensor) => t.dataSync();
const rows = ({ data, shape }: HostTensor): number[][] =>
  Array.from({ length: shape[0]! }, (_, i) => [...data.subarray(i * shape[1]!, (i + 1) * shape[1]!)]);

for (const name of ['unet-sd15', 'unet-sdxl']) {
  test(`${name}: output, loss and gradients`, async () => {
    const golden = await goldenCase(name);
    const config = parseUNetConfig(json(golden.folder, 'model', 'config.json'));
    const specs = unetParameters(config);
    const file = path.join(golden.folder, 'model', 'diffusion_pytorch_model.safetensors');
    const weights = await loadWeights(engine, file, specs);
    const { input } = golden;
    const pooled = input.text_embeds ?? input['added.text_embeds'];
    const timeIds = input.time_ids ?? input['added.time_ids'];
    const added = pooled && timeIds ? { textEmbeds: device(pooled), timeIds: device(timeIds) } : undefined;
    const x = toNhwc(input.sample!);
    const forward = (sample: Tensor, w: Weights) =>
      unetForward(
        engine,
        config,
        w,
        sample,
        device(input.timestep!),
        device(input.encoder_hidden_states!),
        added,
      );
    golden.check('sample', values(forward(x, weights).transpose([0, 3, 1, 2])));

    const names = golden.json.grad_params as string[];
    const { value, grads } = tf.valueAndGrads((sample: Tensor, ...parts: Tensor[]) =>
      forward(sample, { ...weights, ...Object.fromEntries(names.map((n, i) => [n, parts[i]!])) })
        .square()
        .mean(),
    )([x, ...names.map((n) => weights[n]!)]);
    golden.check('loss', values(value));
    golden.check('grad_input', values(grads[0]!.transpose([0, 3, 1, 2])));
    for (const [i, n] of names.entries()) {
      const spec = specs.find((s) => s.name === n)!;
      const grad = grads[i + 1]!;
      const host: HostTensor = {
        shape: grad.shape,
        dtype: 'float32',
        data: values(grad) as Float32Array,
      };
      golden.check(`grad.${n}`, toTorchLayout(host, spec.kind).data);
    }
    disposeWeights(weights);
  });
}

for (const [name, folder] of [
  ['clip-text-quickgelu', 'model'],
  ['clip-text-quickgelu', 'model_v5names'],
  ['clip-text-gelu-proj', 'model'],
] as const) {
  test(`${name} from ${folder}: hidden states and pooled`, async () => {
    const golden = await goldenCase(name);
    const config = parseClipTextConfig(json(golden.folder, folder, 'config.json'));
    const file = path.join(golden.folder, folder, 'model.safetensors');
    const weights = await loadWeights(engine, file, clipTextParameters(config), { alias: textAlias });
    for (const suffix of ['', '_unpadded']) {
      const states = clipTextForward(engine, config, weights, rows(golden.input[`input_ids${suffix}`]!));
      golden.check(`last_hidden_state${suffix}`, values(states.last));
      golden.check(`hidden_penultimate${suffix}`, values(states.penultimate));
      golden.check(`pooled${suffix}`, values(states.pooled));
      assert.equal(states.embeds === null, name === 'clip-text-quickgelu');
      if (states.embeds) golden.check(`text_embeds${suffix}`, values(states.embeds));
    }
    disposeWeights(weights);
  });
}

test('clip-full: embeddings, cosine and PickScore arithmetic', async () => {
  const golden = await goldenCase('clip-full');
  const config = parseClipConfig(json(golden.folder, 'model', 'config.json'));
  const file = path.join(golden.folder, 'model', 'model.safetensors');
  const weights = await loadWeights(engine, file, clipParameters(config));
  const image = clipImageEmbeds(engine, config, weights, toNhwc(golden.input.pixel_values!));
  const text = clipTextEmbeds(engine, config, weights, rows(golden.input.input_ids!));
  golden.check('image_embeds', values(image));
  golden.check('text_embeds', values(text));
  golden.check('image_embeds_norm', values(unitRows(image)));
  golden.check('text_embeds_norm', values(unitRows(text)));
  const cosine = tf.matMul(unitRows(image) as never, unitRows(text) as never, false, true);
  golden.check('cosine', values(cosine));
  golden.check('logits_per_image', values(cosine.mul(weights.logit_scale!.exp())));
  disposeWeights(weights);
});

test('clip-tokenizer: every text encodes as the slow reference tokenizer does', async () => {
  const folder = path.join(import.meta.dirname, '..', 'golden', 'clip-tokenizer');
  const tokenizer = await loadTokenizer(folder);
  const cases = json(folder, 'cases.json') as { text: string; ids: number[]; unanimous: boolean }[];
  const wrong = cases.filter(({ text, ids }) => tokenizer.encode(text).join() !== ids.join());
  assert.ok(cases.length > 100);
  assert.deepEqual(
    wrong.map(({ text }) => text),
    [],
  );
});

test('a model file with a wrong shape is refused by name', async (t) => {
  const folder = await temporaryFolder(t);
  const file = path.join(folder, 'model.safetensors');
  await writeSafetensors(file, { 'a.weight': { shape: [2], dtype: 'float32', data: new Float32Array(2) } });
  const specs = [{ name: 'a.weight', shape: [3], kind: 'vector' as const }];
  await assert.rejects(loadWeights(engine, file, specs), /"a\.weight" has shape \[2\], expected \[3\]/);
  const missing = [{ name: 'b.weight', shape: [3], kind: 'vector' as const }];
  await assert.rejects(loadWeights(engine, file, missing), /no tensor "b\.weight"/);
});

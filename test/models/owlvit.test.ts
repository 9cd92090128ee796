/** OWL-ViT beyond its recorded case (test/components): what a query's neighbours do, configs, files. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { Tensor } from '../../src/engine/engine.ts';
import { disposeWeights, loadWeights } from '../../src/engine/weights.ts';
import { owlVitForward } from '../../src/models/owlvit/owlvit.ts';
import { owlVitParameters, parseOwlVitConfig } from '../../src/models/owlvit/owlvit-parameters.ts';
import { engine, readJson } from '../components/tensors.ts';

const { tf } = engine;
const MODEL = path.resolve(import.meta.dirname, '../golden/owlvit/model');
const JSON_CONFIG = readJson(MODEL, 'config.json');
const config = parseOwlVitConfig(JSON_CONFIG);

test('a query scores the same alone and beside others, to 1e-5; one that begins with 0 has the least float32', async () => {
  const file = path.join(MODEL, 'model.safetensors');
  const weights = await loadWeights(engine, file, owlVitParameters(config));
  const pixels = tf.randomNormal([1, 48, 48, 3], 0, 1, 'float32', 1) as Tensor;
  const query = [498, 252, 117, 499, 0, 0];
  const padding = [0, 0, 0, 0, 0, 0];
  const detect = (...ids: number[][]) => {
    const attended = ids.map((row) => row.map((id) => (id > 0 ? 1 : 0)));
    return owlVitForward(engine, config, weights, pixels, { ids, attended });
  };
  const alone = detect(query);
  const beside = detect(padding, query);
  const [hidden, shown] = tf.split(beside.logits, 2, 2) as [Tensor, Tensor];
  assert.ok((shown.sub(alone.logits).abs().max().dataSync()[0] as number) < 1e-5);
  assert.deepEqual(new Set(hidden.dataSync()), new Set([-3.4028234663852886e38]));
  assert.deepEqual(beside.boxes.dataSync(), alone.boxes.dataSync());
  disposeWeights(weights);
});

test('a config of other shape or kind is refused by field and value', () => {
  const change = (part: string, fields: object) => ({
    ...JSON_CONFIG,
    [part]: { ...JSON_CONFIG[part], ...fields },
  });
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ ...JSON_CONFIG, model_type: 'owlv2' }, /"model_type" is "owlv2"; supported: \["owlvit"\]/],
    [
      { ...JSON_CONFIG, projection_dim: null },
      /"projection_dim" is null; it must be a positive whole number/,
    ],
    [change('text_config', { hidden_act: 'relu' }), /"hidden_act" is "relu"/],
    [change('text_config', { vocab_size: -1 }), /OWL-ViT text_config: "vocab_size" is -1/],
    [
      change('vision_config', { image_size: 50 }),
      /"image_size" is 50; it must be a multiple of "patch_size", 8/,
    ],
    [
      change('vision_config', { num_attention_heads: 5 }),
      /"hidden_size" is 48.* of "num_attention_heads", 5/,
    ],
  ];
  for (const [json, message] of cases)
    assert.throws(() => parseOwlVitConfig(json), { code: 'DIPTYCH_BAD_MODEL', message });
});

test('fields that a config leaves out have the values of the published base model', () => {
  const { text, vision, side } = parseOwlVitConfig({});
  assert.deepEqual(
    [text.vocabSize, text.maxPositions, text.layers, text.projectionDim],
    [49408, 16, 12, 512],
  );
  assert.deepEqual([vision.imageSize, vision.patchSize, side], [768, 32, 24]);
});

test('a file of another model is refused by the tensor that it lacks', async () => {
  const other = path.join(MODEL, '../../blip-vqa/model/model.safetensors');
  await assert.rejects(loadWeights(engine, other, owlVitParameters(config)), {
    code: 'DIPTYCH_BAD_MODEL',
    message: /no tensor "owlvit\.text_model\.embeddings\.token_embedding\.weight" of shape \[500,32\]/,
  });
});

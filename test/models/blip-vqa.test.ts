/** BLIP's question answering beyond its recorded case (test/components): the mask, configs, files. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { Tensor } from '../../src/engine/engine.ts';
import { disposeWeights, loadWeights, type Weights } from '../../src/engine/weights.ts';
import { loadBlipWeights } from '../../src/models/blip/blip-vision.ts';
import {
  blipAnswerLogits,
  blipQuestionStates,
  blipVqaParameters,
  parseBlipVqaConfig,
  yesProbability,
} from '../../src/models/blip/blip-vqa.ts';
import { engine, readJson } from '../components/tensors.ts';

const { tf } = engine;
const MODEL = path.resolve(import.meta.dirname, '../golden/blip-vqa/model');
const JSON_CONFIG = readJson(MODEL, 'config.json');
const config = parseBlipVqaConfig(JSON_CONFIG);
const load = () => loadBlipWeights(engine, path.join(MODEL, 'model.safetensors'), blipVqaParameters(config));

/** Logits of the first answer token to one question next to `image`. */
function answer(weights: Weights, image: Tensor, ids: number[], attended: number[], masked: boolean) {
  const question = blipQuestionStates(engine, config, weights, image, [ids], [attended]);
  const mask = masked ? [attended] : undefined;
  return blipAnswerLogits(engine, config, weights, question, [[298]], mask).dataSync();
}
const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);

test('with the mask, padding changes no logit of an answer by more than 1e-5; without it, it does', async () => {
  const weights = await load();
  const image = tf.randomNormal([1, 17, 32], 0, 1, 'float32', 1) as Tensor;
  const ids = [299, 102, 28, 154, 121, 295];
  const [padded, attended] = [
    [...ids, 0, 0, 0],
    [1, 1, 1, 1, 1, 1, 0, 0, 0],
  ];
  const alone = answer(weights, image, ids, [1, 1, 1, 1, 1, 1], true);
  assert.ok(furthest(answer(weights, image, padded, attended, true), alone) < 1e-5);
  assert.ok(furthest(answer(weights, image, padded, attended, false), alone) > 0.1);
  disposeWeights(weights);
});

test('the probability of yes is what the softmax over the vocabulary gives, to 1e-6', () => {
  const logits = [
    [0.5, 2, -1, 3],
    [4, -3, 0, 60],
  ];
  const want = logits.map(([, yes, no]) => Math.exp(yes!) / (Math.exp(yes!) + Math.exp(no!)));
  const got = yesProbability(engine, tf.tensor2d(logits), 1, 2);
  assert.deepEqual(got.shape, [2]);
  assert.ok(furthest(got.dataSync(), want) < 1e-6);
});

test('a config of other shape or kind is refused by field and value', () => {
  const change = (part: string, fields: object) => ({
    ...JSON_CONFIG,
    [part]: { ...JSON_CONFIG[part], ...fields },
  });
  const cases: [Record<string, unknown>, RegExp][] = [
    [
      change('text_config', { hidden_act: 'relu' }),
      /text_config: "hidden_act" is "relu"; supported: \["gelu"\]/,
    ],
    [change('text_config', { is_decoder: false }), /text_config: "is_decoder" is false/],
    [
      change('text_config', { vocab_size: '300' }),
      /text_config: "vocab_size" is "300"; it must be a positive/,
    ],
    [change('vision_config', { hidden_act: 'quick_gelu' }), /vision_config: "hidden_act" is "quick_gelu"/],
    [change('vision_config', { patch_size: 0 }), /vision_config: "patch_size" is 0/],
    [
      change('vision_config', { image_size: 30 }),
      /"image_size" is 30; it must be a multiple of "patch_size", 8/,
    ],
    [
      change('vision_config', { hidden_size: 64 }),
      /text_config is 32 and of vision_config 64; they must be equal/,
    ],
    [
      change('text_config', { num_attention_heads: 5 }),
      /"hidden_size" is 32; it must be a multiple of "num_attention_heads", 5/,
    ],
  ];
  for (const [json, message] of cases)
    assert.throws(() => parseBlipVqaConfig(json), { code: 'DIPTYCH_BAD_MODEL', message });
});

test('fields that a config leaves out have the values of the published base model', () => {
  const { vision, text } = parseBlipVqaConfig({ text_config: { num_attention_heads: 12 } });
  assert.deepEqual([vision.imageSize, vision.patchSize, vision.layers, vision.heads], [384, 16, 12, 12]);
  assert.deepEqual([vision.activation, vision.layerNormEps], ['gelu', 1e-5]);
  assert.deepEqual(
    [text.vocabSize, text.maxPositions, text.heads, text.layerNormEps],
    [30524, 512, 12, 1e-12],
  );
});

test('a file of another model is refused by the tensor that it lacks', async () => {
  const other = path.join(MODEL, '../../owlvit/model/model.safetensors');
  await assert.rejects(loadWeights(engine, other, blipVqaParameters(config)), {
    code: 'DIPTYCH_BAD_MODEL',
    message: /no tensor "vision_model\.embeddings\.class_embedding" of shape \[1,1,32\]/,
  });
});

/** A model folder with a scene-graph encoder: what it changes of a prompt's condition, and what it leaves. */
import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { promptText, tripleTexts } from '../../src/annotations/prompt.ts';
import type { Tensor } from '../../src/engine/engine.ts';
import { clipTextForward } from '../../src/models/clip/clip-text.ts';
import { inspectFolder } from '../../src/models/folders/inspect.ts';
import {
  type DiffusionModel,
  diffusionModelHash,
  loadDiffusionModel,
} from '../../src/models/folders/model-folder.ts';
import { type Prompt, textPrompt } from '../../src/models/inputs/prompt.ts';
import { disposeCondition, encodeEmpty, encodePrompts } from '../../src/models/inputs/text-condition.ts';
import { sceneGraphEncoderForward } from '../../src/models/scene-graph/scene-graph-encoder.ts';
import { writeSceneGraphEncoder } from '../../src/training/scene-graph/scene-graph-folders.ts';
import { startingEncoder } from '../../src/training/scene-graph/scene-graph-start.ts';
import { promptMaker } from '../../workers/prompts.ts';
import { engine } from '../components/tensors.ts';
import { goldenCase } from '../golden.ts';
import { scene } from '../scenes.ts';
import { temporaryFolder } from '../temporary.ts';

const { tf } = engine;
const SAMPLE = path.resolve(import.meta.dirname, '../../models/sample/diffusion');
const golden = async (name: string) => path.join((await goldenCase(name)).folder, 'model');
const BASES = {
  'SD1.5-shaped': await golden('generate-sd15'),
  'SDXL-shaped': await golden('generate-sdxl'),
  // 28 states a prompt, not 77.
  'the sample model': SAMPLE,
};

/** A copy of a model folder with a random encoder whose graph counts. */
async function withEncoder(t: { after(clean: () => Promise<void>): void }, base: string): Promise<string> {
  const folder = path.join(await temporaryFolder(t), 'model');
  await cp(base, folder, { recursive: true });
  const model = await loadDiffusionModel(engine, base);
  const { config, weights } = startingEncoder(model, 1);
  model.dispose();
  weights.alpha_obj!.data[0] = 0.8;
  await writeSceneGraphEncoder(path.join(folder, 'scene_graph_encoder'), config, weights);
  return folder;
}

const values = (t: Tensor) => [...t.dataSync()];
const promptOf = (annotation: ReturnType<typeof scene>): Prompt => ({
  text: promptText(annotation),
  triples: tripleTexts(annotation),
});
const GRAPH: Prompt = {
  text: 'small red circle left of blue square blue square above small red circle cross',
  triples: [
    ['small red circle', 'left of', 'blue square'],
    ['blue square', 'above', 'small red circle'],
  ],
};

/** The condition of one prompt, each phrase encoded alone and without padding, as the original does it. */
function phraseByPhrase(model: DiffusionModel, { text, triples }: Prompt): Tensor {
  const states = (phrase: string) => {
    const encoded = model.texts.map(({ config, weights, tokenizer }) =>
      clipTextForward(engine, config, weights, [tokenizer.unpadded(phrase)]),
    );
    const parts = encoded.map((of) => (model.unet.config.textTime ? of.penultimate : of.last));
    return tf.concat(parts, 2).squeeze([0]) as Tensor;
  };
  const inner = (phrase: string) =>
    tf.slice(states(phrase), [1, 0], [states(phrase).shape[0]! - 2, -1]) as Tensor;
  const flat = states(text);
  const length = flat.shape[0]!;
  const rows = model.texts[0]!.tokenizer.maxLength;
  const end = tf.slice(flat, [length - 1, 0], [1, -1]);
  const { config, weights } = model.sceneGraph!;
  return sceneGraphEncoderForward(engine, config, weights, {
    phrases: triples.flat().map(inner),
    dash: inner('-'),
    graphs: [triples.map((_, i) => [3 * i, 3 * i + 1, 3 * i + 2] as const)],
    flat: tf.concat([flat, tf.tile(end, [rows - length, 1])], 0).expandDims(0),
    bodies: [length - 2],
  }).contexts;
}

for (const [name, base] of Object.entries(BASES)) {
  const folder = await withEncoder({ after }, base);

  test(`${name}: a graph changes the states of its prompt, and nothing else`, async () => {
    const [plain, model] = [await loadDiffusionModel(engine, base), await loadDiffusionModel(engine, folder)];
    const prompts = [textPrompt('blue cross'), GRAPH, textPrompt(GRAPH.text)];
    const before = encodePrompts(engine, plain, prompts);
    const after = encodePrompts(engine, model, prompts);
    assert.deepEqual(after.states.shape, before.states.shape);
    const rows = (t: Tensor) => tf.unstack(t).map((row) => values(row as Tensor));
    const [cross, graph, text] = rows(after.states);
    assert.deepEqual([cross, text], [rows(before.states)[0], rows(before.states)[2]]);
    const want = values(phraseByPhrase(model, GRAPH));
    const off = Math.max(...graph!.map((x, i) => Math.abs(x - want[i]!)));
    assert.ok(off < 1e-5, `${off} from the states that are made phrase by phrase`);
    assert.ok(Math.max(...graph!.map((x, i) => Math.abs(x - text![i]!))) > 0.05);
    if (before.added) {
      assert.deepEqual(values(after.added!.textEmbeds), values(before.added.textEmbeds));
      assert.deepEqual(values(after.added!.timeIds), values(before.added.timeIds));
    }
    const empty = [plain, model].map((of) => values(encodeEmpty(engine, of).states));
    assert.deepEqual(empty[1], empty[0]);
    plain.dispose();
    model.dispose();
  });

  test(`${name}: without an encoder a graph is not looked at (the same bits)`, async () => {
    const plain = await loadDiffusionModel(engine, base);
    assert.equal(plain.sceneGraph, null);
    const [told, text] = [GRAPH, textPrompt(GRAPH.text)].map((p) =>
      values(encodePrompts(engine, plain, [p]).states),
    );
    assert.deepEqual(told, text);
    plain.dispose();
  });

  test(`${name}: the encoder is part of the model's hash and of models check`, async () => {
    assert.notEqual(await diffusionModelHash(folder), await diffusionModelHash(base));
    const { parts } = await inspectFolder(folder);
    const [own, others] = [parts.at(-1)!, parts.slice(0, -1)];
    assert.deepEqual(
      [own.name, own.class, own.missing, own.misfits, own.surplus],
      ['scene_graph_encoder', 'SceneGraphEncoder', [], [], []],
    );
    assert.deepEqual(others, (await inspectFolder(base)).parts);
  });
}

test('one item, words that no model knows, and more triples than there is room for', async (t) => {
  const model = await loadDiffusionModel(engine, await withEncoder(t, SAMPLE));
  const tooMany = scene('many');
  tooMany.relations = Array.from({ length: 40 }, () => ({ item1: 0, relation: 'left of', item2: 1 }));
  const oneItem = scene('one');
  oneItem.items.pop();
  oneItem.relations = [];
  const itself = scene('itself');
  itself.relations = [{ item1: 0, relation: 'beside', item2: 0 }];
  const unknown = scene('unknown');
  unknown.items[0] = { item_id: 0, label: 'ξύλο №7', attributes: ['🦊', "o'clock"] };
  const prompts = [tooMany, oneItem, itself, unknown].map(promptOf);
  const { states } = encodePrompts(engine, model, prompts);
  assert.deepEqual(states.shape, [4, 28, 64]);
  assert.ok(states.dataSync().every(Number.isFinite));
  const text = encodePrompts(
    engine,
    model,
    prompts.map((prompt) => textPrompt(prompt.text)),
  );
  const changed = states.sub(text.states).abs().max([1, 2]).dataSync();
  assert.deepEqual(
    [...changed].map((x) => x > 0),
    [true, false, true, true],
  );
  // Of a text that is cut, the states between BOS and EOS are all the graph's.
  const rows = tf.slice(states.sub(text.states), [0, 0, 0], [1, 28, 64]).abs().sum(2).dataSync();
  assert.deepEqual(
    [...rows].map((x) => x > 0),
    [false, ...Array(26).fill(true), false],
  );
  model.dispose();
});

test('an item without any token is refused, and so is a text that is not the graph’s', async (t) => {
  const model = await loadDiffusionModel(engine, await withEncoder(t, SAMPLE));
  const encode = (prompt: Prompt) => () => encodePrompts(engine, model, [prompt]);
  const code = 'DIPTYCH_INVALID_INPUT';
  const nothing = { text: 'left of square', triples: [['\u200b', 'left of', 'square']] } as const;
  assert.throws(encode(nothing), { code, message: /an item of a triple, has 0 tokens/ });
  assert.throws(encode({ ...GRAPH, text: 'circle' }), { code, message: /but the flat text only \d/ });
  model.dispose();
});

test('an encoder of another width than the UNet attends to is refused by both numbers', async (t) => {
  const folder = await withEncoder(t, BASES['SDXL-shaped']);
  const other = await loadDiffusionModel(engine, SAMPLE);
  const { config, weights } = startingEncoder(other, 1);
  other.dispose();
  await writeSceneGraphEncoder(path.join(folder, 'scene_graph_encoder'), config, weights);
  await assert.rejects(loadDiffusionModel(engine, folder), {
    code: 'DIPTYCH_BAD_MODEL',
    message: /"clip_dim" is 64, but the UNet attends to states of width 20/,
  });
});

test('a broken config of the encoder is refused by field', async (t) => {
  const folder = await withEncoder(t, SAMPLE);
  const file = path.join(folder, 'scene_graph_encoder', 'config.json');
  const config = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify({ ...config, embed_dim: 0.5 }));
  await assert.rejects(loadDiffusionModel(engine, folder), {
    code: 'DIPTYCH_BAD_MODEL',
    message: /"embed_dim" is 0.5/,
  });
});

test('conditions with a graph leave no tensors behind', async (t) => {
  const model = await loadDiffusionModel(engine, await withEncoder(t, SAMPLE));
  const encode = () => disposeCondition(encodePrompts(engine, model, [GRAPH, textPrompt('cross')]));
  encode();
  const before = tf.memory().numTensors;
  encode();
  assert.equal(tf.memory().numTensors, before);
  model.dispose();
});

test('annotations become prompts with triples only for a model that reads them', async (t) => {
  const body = scene('a', 1);
  const stored = { prompt: promptText(body), body };
  assert.deepEqual(promptMaker(SAMPLE)(stored), textPrompt('green square left of blue triangle'));
  assert.deepEqual(promptMaker(await withEncoder(t, SAMPLE))(stored), {
    text: 'green square left of blue triangle',
    triples: [['green square', 'left of', 'blue triangle']],
  });
});

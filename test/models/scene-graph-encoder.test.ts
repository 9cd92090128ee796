/** The scene-graph encoder on inputs and files that are not as it wants them (test/components has its values). */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { Tensor } from '../../src/engine/engine.ts';
import { writeSafetensors } from '../../src/engine/safetensors.ts';
import { engineShape, loadWeights, type Weights } from '../../src/engine/weights.ts';
import { sceneGraphEncoderForward } from '../../src/models/scene-graph/scene-graph-encoder.ts';
import {
  parseSceneGraphEncoderConfig,
  sceneGraphEncoderParameters,
} from '../../src/models/scene-graph/scene-graph-encoder-parameters.ts';
import { layOutSceneGraph, type PhraseTriple } from '../../src/models/scene-graph/scene-graph-layout.ts';
import { engine } from '../components/tensors.ts';
import { temporaryFolder } from '../temporary.ts';

const { tf } = engine;
const CONFIG = { clip_dim: 4, embed_dim: 3, graph_cfg: { layers: 2, width: 5 } };
const config = parseSceneGraphEncoderConfig(CONFIG);
const specs = sceneGraphEncoderParameters(config);
const ROWS = 10;

/** All weights the same: any will do where only shapes matter. */
const weightsOf = (value: number): Weights =>
  Object.fromEntries(specs.map((spec) => [spec.name, tf.fill(engineShape(spec), value) as Tensor]));
/** A prompt of ROWS states whose flat text has `body` tokens. */
const graph = (tokens: number[], triples: PhraseTriple[], body: number) => ({
  phrases: tokens.map((n) => tf.ones([n, 4]) as Tensor),
  dash: tf.ones([1, 4]) as Tensor,
  graphs: [triples],
  flat: tf.range(0, 4 * ROWS).reshape([1, ROWS, 4]) as Tensor,
  bodies: [body],
});

test('a config field that is no positive whole number is refused by name and value', () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ ...CONFIG, clip_dim: '2048' }, /"clip_dim" is "2048"/],
    [{ ...CONFIG, embed_dim: undefined }, /"embed_dim" is undefined/],
    [{ ...CONFIG, graph_cfg: { layers: 0, width: 5 } }, /"graph_cfg.layers" is 0/],
    [{ clip_dim: 4, embed_dim: 3 }, /"graph_cfg.width" is undefined/],
  ];
  for (const [json, message] of cases)
    assert.throws(() => parseSceneGraphEncoderConfig(json), { code: 'DIPTYCH_BAD_MODEL', message });
});

test('a file without one of the tensors is refused by its name and shape', async (t) => {
  const file = path.join(await temporaryFolder(t), 'model.safetensors');
  const without = specs.filter(({ name }) => name !== 'graph_net.gconvs.1.net1.2.weight');
  const host = without.map(({ name, shape }) => {
    const data = new Float32Array(shape.reduce((n, d) => n * d, 1));
    return [name, { shape, dtype: 'float32' as const, data }] as const;
  });
  await writeSafetensors(file, Object.fromEntries(host));
  await assert.rejects(loadWeights(engine, file, specs), {
    code: 'DIPTYCH_BAD_MODEL',
    message: /graph_net\.gconvs\.1\.net1\.2\.weight" of shape \[13,5\]/,
  });
});

test('vertices are not merged, and a relation of several tokens gives as many edges', () => {
  const layout = layOutSceneGraph([2, 2, 1], [[0, 1, 2]]);
  assert.deepEqual(layout.vertexTokens, [0, 1, 4]);
  assert.deepEqual(layout.edges, [
    [0, 1],
    [1, 2],
    [1, 2],
  ]);
  assert.deepEqual(layout.edgeTokens, [5, 2, 3]);
  assert.deepEqual(layout.sequence, [0, 1, 4, 5, 2]);
  assert.equal(layOutSceneGraph([1, 1], [[0, 1, 0]]).vertexTokens.length, 2);
});

test('a graph without relations, an item without tokens and a flat text that is too short are refused', () => {
  const code = 'DIPTYCH_INVALID_INPUT';
  assert.throws(() => layOutSceneGraph([2, 1], []), { code, message: /no relations/ });
  assert.throws(() => layOutSceneGraph([2, 1, 0], [[0, 1, 2]]), { code, message: /phrase 2.* has 0 tokens/ });
  const short = () =>
    sceneGraphEncoderForward(engine, config, weightsOf(0.1), graph([2, 1, 1], [[0, 1, 2]], 3));
  assert.throws(short, { code, message: /phrases have 4 tokens, but the flat text only 3/ });
});

test('with alpha_obj at 0, as training begins, the context is the flat text', () => {
  const weights = { ...weightsOf(0.1), alpha_obj: tf.zeros([1]) as Tensor };
  const input = graph([1, 1, 1], [[0, 1, 2]], 4);
  const { contexts } = sceneGraphEncoderForward(engine, config, weights, input);
  assert.deepEqual(contexts.arraySync(), input.flat.arraySync());
});

test('only the rows of the graph in the body are changed, and as many as there is room for', () => {
  const changed = (tokens: number[], triples: PhraseTriple[], body: number) => {
    const input = graph(tokens, triples, body);
    const { contexts } = sceneGraphEncoderForward(engine, config, weightsOf(0.1), input);
    const off = contexts.sub(input.flat).abs().sum([0, 2]).dataSync();
    return [...off].flatMap((x, row) => (x > 0 ? row : []));
  };
  assert.deepEqual(changed([2, 1, 1], [[0, 1, 2]], 6), [1, 2, 3, 4]);
  assert.deepEqual(changed([2, 1, 4], Array(3).fill([0, 1, 2]), 8), [1, 2, 3, 4, 5, 6, 7, 8]);
});

test('graphs that are encoded together change nothing in each other', () => {
  const one = graph([2, 1, 1], [[0, 1, 2]], 6);
  const none = { ...one, graphs: [[]] };
  const two = graph(
    [2, 1, 1],
    [
      [2, 1, 0],
      [0, 1, 0],
    ],
    8,
  );
  const encode = (input: typeof one) =>
    sceneGraphEncoderForward(engine, config, weightsOf(0.1), input).contexts.arraySync() as number[][][];
  const together = {
    ...one,
    graphs: [one, none, two].flatMap(({ graphs }) => graphs),
    flat: tf.concat([one.flat, none.flat, two.flat], 0) as Tensor,
    bodies: [one, none, two].flatMap(({ bodies }) => bodies),
  };
  assert.deepEqual(encode(together), [
    ...encode(one),
    ...(none.flat.arraySync() as number[][][]),
    ...encode(two),
  ]);
});

test('rows that the last ReLU made all zero have finite gradients', () => {
  const weights = weightsOf(-0.1);
  const input = graph([2, 1, 1], [[0, 1, 2]], 6);
  const name = 'projection_mlp_1.weight';
  const grad = tf.grad((w: Tensor) => {
    const encoded = sceneGraphEncoderForward(engine, config, { ...weights, [name]: w }, input);
    assert.equal(encoded.vertexStates.max().dataSync()[0], 0);
    return encoded.contexts.square().mean();
  })(weights[name]!);
  assert.ok(grad.dataSync().every(Number.isFinite));
});

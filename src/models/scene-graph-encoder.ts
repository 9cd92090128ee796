/**
 * LAION-SG's scene-graph encoder (mengcye/LAION-SG: sg_encoder.py, module.py): what SDXL-SG puts in the place of the
 * prompt's states. A graph network over the token states of objects and relations; its output, times a learned
 * scalar, is added to the states of the flat text.
 *
 * Letters: V vertices, E edges, D clipDim, K embedDim, L tokens of the flat text, R states of a prompt.
 */
import type { Engine, Tensor } from '../engine/engine.ts';
import type { Weights } from '../engine/weights.ts';
import { DiptychError } from '../errors.ts';
import { graphLayers, type SceneGraphEncoderConfig } from './scene-graph-encoder-parameters.ts';
import { layOutSceneGraph, type PhraseTriple, type SceneGraphLayout } from './scene-graph-layout.ts';

/** A scene graph as a text encoder sees it. */
export interface SceneGraphStates {
  /** Inner token states [tokens, D] of every object and relation phrase, encoded alone, without SOS and EOS. */
  phrases: Tensor[];
  triples: PhraseTriple[];
  /** The one inner token state [1, D] of the text "-". */
  dash: Tensor;
  /** States [L, D] of the flat text: SOS, body, EOS. */
  flat: Tensor;
  /** How many states a prompt has, R: 77 in published models. */
  rows: number;
}

export interface EncodedSceneGraph extends SceneGraphLayout {
  /** Vertices [V, K] and edges [E, K] after the last graph layer. */
  vertexStates: Tensor;
  edgeStates: Tensor;
  /** The same as directions in the space of text states: [V, D], [E, D]. */
  refinedVertices: Tensor;
  refinedEdges: Tensor;
  /** What the UNet attends to: [R, D]. */
  context: Tensor;
}

/** As torch's normalize: rows shorter than this are divided by it. */
const SHORTEST = 1e-12;

/**
 * The pooled vector that goes with the context is that of the flat text, as it is.
 * Throws DIPTYCH_INVALID_INPUT where the flat text has fewer tokens than the graph, and as layOutSceneGraph does.
 */
export function sceneGraphEncoderForward(
  engine: Engine,
  config: SceneGraphEncoderConfig,
  weights: Weights,
  { phrases, triples, dash, flat, rows }: SceneGraphStates,
): EncodedSceneGraph {
  const { tf, kernels: k } = engine;
  const layout = layOutSceneGraph(
    phrases.map((phrase) => phrase.shape[0]!),
    triples,
  );
  const tokens = k.linear(tf.concat([...phrases, dash], 0), weights['projection_mlp_1.weight']!);
  let vertices = rowsOf(engine, tokens, layout.vertexTokens);
  let edges = rowsOf(engine, tokens, layout.edgeTokens);
  for (const layer of graphLayers(config))
    [vertices, edges] = graphLayer(engine, layer, weights, layout.edges, vertices, edges);

  const refine = (states: Tensor) => k.linear(unitRows(states), weights['projection_mlp_2.weight']!);
  const [refinedVertices, refinedEdges] = [refine(vertices), refine(edges)];
  const kept = layout.sequence.slice(0, rows - 2);
  const refined = rowsOf(engine, tf.concat([refinedVertices, refinedEdges], 0), kept);
  return {
    ...layout,
    ...{ vertexStates: vertices, edgeStates: edges, refinedVertices, refinedEdges },
    context: addToFlatText(engine, flat, refined.mul(weights.alpha_obj!), rows),
  };
}

/**
 * One GraphTripleConv: an MLP on [source, edge, target] gives each edge a message for its source, its own new state
 * and a message for its target; a vertex becomes an MLP of the mean of its messages.
 */
function graphLayer(
  engine: Engine,
  layer: string,
  weights: Weights,
  ends: readonly [number, number][],
  vertices: Tensor,
  edges: Tensor,
): [vertices: Tensor, edges: Tensor] {
  const { tf, kernels: k } = engine;
  const dense = (name: string, x: Tensor) =>
    k.linear(x, weights[`${layer}.${name}.weight`]!, weights[`${layer}.${name}.bias`]).relu() as Tensor;
  const count = vertices.shape[0]!;
  const [from, to] = [0, 1].map((end) =>
    selection(
      engine,
      ends.map((edge) => edge[end]!),
      count,
    ),
  ) as [Tensor, Tensor];
  const triples = tf.concat([tf.matMul(from, vertices), edges, tf.matMul(to, vertices)], 1);
  const out = dense('net1.2', dense('net1.0', triples));
  const width = (out.shape[1]! - edges.shape[1]!) / 2;
  const [toSource, newEdges, toTarget] = tf.split(out, [width, edges.shape[1]!, width], 1);
  const sum = tf.matMul(from, toSource!, true).add(tf.matMul(to, toTarget!, true));
  const messages = from.add(to).sum(0).maximum(1).expandDims(1);
  return [dense('net2.2', dense('net2.0', sum.div(messages))), newEdges!];
}

/** SOS, body plus `refined` on its first rows, EOS; EOS again up to `rows` rows. */
function addToFlatText({ tf }: Engine, flat: Tensor, refined: Tensor, rows: number): Tensor {
  const [length, width] = flat.shape as [number, number];
  const [count, body] = [refined.shape[0]!, length - 2];
  if (body < count) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `scene graph: its phrases have ${count} tokens, but the flat text only ${body}`,
    );
  }
  const added = tf.pad(refined, [
    [1, length - 1 - count],
    [0, 0],
  ]);
  const end = tf.slice(flat, [length - 1, 0], [1, width]);
  const filled = tf.concat([flat.add(added), tf.tile(end, [Math.max(0, rows - length), 1])], 0);
  return tf.slice(filled, [0, 0], [rows, width]) as Tensor;
}

/** Rows of x [N, C] by number. A product, because a gather has no gradient on WASM. */
function rowsOf(engine: Engine, x: Tensor, rows: readonly number[]): Tensor {
  return engine.tf.matMul(selection(engine, rows, x.shape[0]!), x) as Tensor;
}

/** [rows, count] with a one per row. */
function selection({ tf }: Engine, rows: readonly number[], count: number): Tensor {
  return tf.oneHot(tf.tensor1d([...rows], 'int32'), count).cast('float32') as Tensor;
}

/** Every row divided by its length; the floor lies under the root, where a row of zeros has a gradient. */
function unitRows(x: Tensor): Tensor {
  return x.div(
    x
      .square()
      .sum(1, true)
      .maximum(SHORTEST ** 2)
      .sqrt(),
  );
}

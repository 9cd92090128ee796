/**
 * LAION-SG's scene-graph encoder (mengcye/LAION-SG: sg_encoder.py, module.py): what SDXL-SG puts in the place of the
 * prompt's states. A graph network over the token states of objects and relations; its output, times a learned
 * scalar, is added to the states of the flat text. The graphs of several prompts are one graph here, whose parts have
 * no edge between them: it costs as many operations as one.
 *
 * Letters: B prompts, V vertices, E edges, D clipDim, K embedDim, R states of a prompt (77 in published models).
 */
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { Weights } from '../../engine/weights.ts';
import { DiptychError } from '../../errors.ts';
import { graphLayers, type SceneGraphEncoderConfig } from './scene-graph-encoder-parameters.ts';
import { layOutSceneGraph, type PhraseTriple, type SceneGraphLayout } from './scene-graph-layout.ts';

/** Scene graphs as text encoders see them. */
export interface SceneGraphStates {
  /** Inner token states [tokens, D] of every object and relation phrase, encoded alone, without SOS and EOS. */
  phrases: Tensor[];
  /** The one inner token state [1, D] of the text "-". */
  dash: Tensor;
  /** The triples of each prompt; at least one in all. */
  graphs: PhraseTriple[][];
  /** States of the flat texts: SOS, body, EOS, and EOS again up to R: [B, R, D]. */
  flat: Tensor;
  /** Tokens in the body of each flat text. */
  bodies: number[];
}

/** Vertices and edges in the order of the prompts. */
export interface EncodedSceneGraphs extends SceneGraphLayout {
  /** Vertices [V, K] and edges [E, K] after the last graph layer. */
  vertexStates: Tensor;
  edgeStates: Tensor;
  /** The same as directions in the space of text states: [V, D], [E, D]. */
  refinedVertices: Tensor;
  refinedEdges: Tensor;
  /** What the UNet attends to: [B, R, D]. Without triples, the flat text. */
  contexts: Tensor;
}

/** As torch's normalize: rows shorter than this are divided by it. */
const SHORTEST = 1e-12;
/** The number of no row. */
const NONE = -1;

/**
 * The pooled vector that goes with a context is that of the flat text, as it is.
 * Throws DIPTYCH_INVALID_INPUT where a flat text has fewer tokens than its graph, and as layOutSceneGraph does.
 */
export function sceneGraphEncoderForward(
  engine: Engine,
  config: SceneGraphEncoderConfig,
  weights: Weights,
  { phrases, dash, graphs, flat, bodies }: SceneGraphStates,
): EncodedSceneGraphs {
  const { tf, kernels: k } = engine;
  const lengths = phrases.map((phrase) => phrase.shape[0]!);
  const layout = layOutSceneGraph(lengths, graphs.flat());
  const places = placesInTexts(layout.sequence, lengths, graphs, bodies, flat.shape[1]!);

  const tokens = k.linear(tf.concat([...phrases, dash], 0), weights['projection_mlp_1.weight']!);
  let vertices = rowsOf(engine, tokens, layout.vertexTokens);
  let edges = rowsOf(engine, tokens, layout.edgeTokens);
  const incidence = incidenceOf(engine, layout.edges, vertices.shape[0]!);
  for (const layer of graphLayers(config))
    [vertices, edges] = graphLayer(engine, layer, weights, incidence, vertices, edges);

  const refine = (states: Tensor) => k.linear(unitRows(states), weights['projection_mlp_2.weight']!);
  const [refinedVertices, refinedEdges] = [refine(vertices), refine(edges)];
  const refined = rowsOf(engine, tf.concat([refinedVertices, refinedEdges], 0), places).reshape(flat.shape);
  return {
    ...layout,
    ...{ vertexStates: vertices, edgeStates: edges, refinedVertices, refinedEdges },
    contexts: flat.add(refined.mul(weights.alpha_obj!)),
  };
}

/**
 * Which refined row is added to each of the B * R rows of the flat texts. A prompt's part of the sequence goes to the
 * first rows of its body, as far as there is room for a body.
 */
function placesInTexts(
  sequence: readonly number[],
  lengths: readonly number[],
  graphs: readonly PhraseTriple[][],
  bodies: readonly number[],
  rows: number,
): number[] {
  let next = 0;
  return graphs.flatMap((triples, prompt) => {
    const tokens = triples.flat().reduce((sum, phrase) => sum + lengths[phrase]!, 0);
    const kept = sequence.slice(next, next + Math.min(tokens, rows - 2));
    next += tokens;
    if (kept.length > bodies[prompt]!) {
      throw new DiptychError(
        'DIPTYCH_INVALID_INPUT',
        `scene graph: its phrases have ${kept.length} tokens, but the flat text only ${bodies[prompt]}`,
      );
    }
    return [NONE, ...kept, ...Array<number>(rows - 1 - kept.length).fill(NONE)];
  });
}

interface Incidence {
  /** Which vertex each edge leaves and enters: [E, V] with a one per row. */
  from: Tensor;
  to: Tensor;
  /** How many edges touch each vertex, at least 1: [V, 1]. */
  degrees: Tensor;
}

function incidenceOf(engine: Engine, ends: readonly [number, number][], count: number): Incidence {
  const [from, to] = [0, 1].map((end) =>
    selection(
      engine,
      ends.map((edge) => edge[end]!),
      count,
    ),
  ) as [Tensor, Tensor];
  return { from, to, degrees: from.add(to).sum(0).maximum(1).expandDims(1) };
}

/**
 * One GraphTripleConv: an MLP on [source, edge, target] gives each edge a message for its source, its own new state
 * and a message for its target; a vertex becomes an MLP of the mean of its messages.
 */
function graphLayer(
  engine: Engine,
  layer: string,
  weights: Weights,
  { from, to, degrees }: Incidence,
  vertices: Tensor,
  edges: Tensor,
): [vertices: Tensor, edges: Tensor] {
  const { tf, kernels: k } = engine;
  const dense = (name: string, x: Tensor) =>
    k.linear(x, weights[`${layer}.${name}.weight`]!, weights[`${layer}.${name}.bias`]).relu() as Tensor;
  const triples = tf.concat([tf.matMul(from, vertices), edges, tf.matMul(to, vertices)], 1);
  const out = dense('net1.2', dense('net1.0', triples));
  const width = (out.shape[1]! - edges.shape[1]!) / 2;
  const [toSource, newEdges, toTarget] = tf.split(out, [width, edges.shape[1]!, width], 1);
  const sum = tf.matMul(from, toSource!, true).add(tf.matMul(to, toTarget!, true));
  return [dense('net2.2', dense('net2.0', sum.div(degrees))), newEdges!];
}

/** Rows of x [N, C] by number, zeros for NONE. A product, because a gather has no gradient on WASM. */
function rowsOf(engine: Engine, x: Tensor, rows: readonly number[]): Tensor {
  return engine.tf.matMul(selection(engine, rows, x.shape[0]!), x) as Tensor;
}

/** [rows, count] with a one per row, or none for NONE. */
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

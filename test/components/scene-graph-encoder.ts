/** LAION-SG's scene-graph encoder: edges, graph layers, refined vectors, conditioning sequence, gradients. */
import path from 'node:path';
import type { Tensor } from '../../src/engine/engine.ts';
import { disposeWeights, loadWeights, type Weights } from '../../src/engine/weights.ts';
import {
  type SceneGraphStates,
  sceneGraphEncoderForward,
} from '../../src/models/scene-graph/scene-graph-encoder.ts';
import {
  parseSceneGraphEncoderConfig,
  sceneGraphEncoderParameters,
} from '../../src/models/scene-graph/scene-graph-encoder-parameters.ts';
import type { PhraseTriple } from '../../src/models/scene-graph/scene-graph-layout.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { device, engine, inTorchLayout, readJson, values } from './tensors.ts';

const { tf } = engine;

interface RecordedGraph {
  phrase_tokens: number[];
  triples: PhraseTriple[];
}

/** States of SOS, body and EOS as those of a prompt of 77. */
function filledText(flat: Tensor): Pick<SceneGraphStates, 'flat' | 'bodies'> {
  const length = flat.shape[0]!;
  const end = flat.slice([length - 1, 0], [1, -1]);
  const filled = tf.concat([flat, end.tile([77 - length, 1])], 0);
  return { flat: filled.expandDims(0), bodies: [length - 2] };
}

async function sceneGraphEncoder(golden: GoldenCase): Promise<void> {
  const { input, json } = golden;
  const config = parseSceneGraphEncoderConfig(readJson(golden.folder, 'model', 'config.json'));
  const specs = sceneGraphEncoderParameters(config);
  // What the original never uses is not among the parameters.
  golden.exact('tensors', specs.length, json.parameter_tensors - json.insensitive_parameters.length);
  const weights = await loadWeights(engine, path.join(golden.folder, 'model', 'model.safetensors'), specs);
  const graphs = (json.graphs as RecordedGraph[]).map(
    ({ phrase_tokens, triples }, g): SceneGraphStates => ({
      phrases: phrase_tokens.map((_, j) => device(input[`g${g}.phrase${j}`]!)),
      dash: device(input.dash!),
      graphs: [triples],
      ...filledText(device(input[`g${g}.flat`]!)),
    }),
  );
  const encoded = (w: Weights) => graphs.map((graph) => sceneGraphEncoderForward(engine, config, w, graph));
  const stacked = (w: Weights) =>
    tf.concat(
      encoded(w).map(({ contexts }) => contexts),
      0,
    ) as Tensor;

  for (const [g, one] of encoded(weights).entries()) {
    golden.check(`g${g}.edges`, one.edges.flat());
    golden.check(`g${g}.gnn_obj`, values(one.vertexStates));
    golden.check(`g${g}.gnn_pred`, values(one.edgeStates));
    golden.check(`g${g}.refined_obj`, values(one.refinedVertices));
    golden.check(`g${g}.refined_pred`, values(one.refinedEdges));
    golden.check(`g${g}.final`, values(one.contexts));
  }
  golden.check('final_all', values(stacked(weights)));
  // The pooled vector of the flat text is used as it is.
  golden.check(
    'pooled_all',
    graphs.flatMap((_, g) => [...input[`g${g}.flat_pooled`]!.data]),
  );

  const names = json.grad_params as string[];
  const { value, grads } = tf.valueAndGrads((...parts: Tensor[]) =>
    stacked({ ...weights, ...Object.fromEntries(names.map((n, i) => [n, parts[i]!])) })
      .square()
      .mean(),
  )(names.map((n) => weights[n]!));
  golden.check('loss', values(value));
  for (const [i, n] of names.entries()) golden.check(`grad.${n}`, inTorchLayout(grads[i]!, n, specs));
  disposeWeights(weights);
}

export const components: Record<string, ComponentCheck> = {
  'scene-graph encoder of LAION-SG (SDXL-SG conditioning)': sceneGraphEncoder,
};

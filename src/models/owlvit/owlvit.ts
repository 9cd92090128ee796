/**
 * OwlViTForObjectDetection (transformers): a CLIP whose patches each propose a box, and whose texts say what is in it.
 *
 * Letters: B images, Q queries per image, N patches, D width of the image tower, P width of the queries.
 */
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { Weights } from '../../engine/weights.ts';
import { unitRows } from '../clip/clip.ts';
import { layerNorm } from '../clip/clip-layers.ts';
import { clipTextForward } from '../clip/clip-text.ts';
import { clipVisionNorm, clipVisionStates } from '../clip/clip-vision.ts';
import { type OwlVitConfig, TOWERS } from './owlvit-parameters.ts';

export interface OwlVitQueries {
  /** B times Q rows of equal length, image by image. A row that begins with 0 is padding. */
  ids: readonly (readonly number[])[];
  /** As many rows: 1 for a token, 0 for padding. */
  attended: readonly (readonly number[])[];
}

export interface Detections {
  /** [B, N, Q]: how well the box shows what is asked for, before the sigmoid; LOWEST for padding. */
  logits: Tensor;
  /** [B, N, 4]: centre x, centre y, width, height in 0..1, one box per patch, row by row. */
  boxes: Tensor;
  /** [B, Q, P], of unit length. */
  textEmbeds: Tensor;
  /** [B, N, D]: the patches, each times the class token. */
  imageEmbeds: Tensor;
  /** [B, N, P]: the patches among the queries, of unit length. */
  classEmbeds: Tensor;
}

/** The least float32. */
const LOWEST = -(2 - 2 ** -23) * 2 ** 127;
/** Keeps lengths from zero, and logarithms of box coordinates finite. */
const [LENGTH_EPS, BOX_EPS] = [1e-6, 1e-4];

/** Normalised pixels [B, S, S, 3] and B times Q queries. */
export function owlVitForward(
  engine: Engine,
  config: OwlVitConfig,
  weights: Weights,
  pixels: Tensor,
  queries: OwlVitQueries,
): Detections {
  return owlVitDetections(engine, config, weights, owlVitPatches(engine, config, weights, pixels), queries);
}

/** What `owlVitForward` finds among patches that were encoded before: imageEmbeds [B, N, D]. */
export function owlVitDetections(
  engine: Engine,
  config: OwlVitConfig,
  weights: Weights,
  imageEmbeds: Tensor,
  { ids, attended }: OwlVitQueries,
): Detections {
  const { tf, kernels: k } = engine;
  const batch = imageEmbeds.shape[0]!;
  const [count, width] = [ids.length / batch, config.text.projectionDim!];
  const text = clipTextForward(engine, config.text, towerWeights(weights), ids, attended).embeds!;
  const textEmbeds = unitRows(text).reshape([batch, count, width]) as Tensor;

  const dense = (name: string, x: Tensor) => k.linear(x, weights[`${name}.weight`]!, weights[`${name}.bias`]);
  const classEmbeds = nearlyUnit(dense('class_head.dense0', imageEmbeds));
  const cosine = tf.matMul(classEmbeds, nearlyUnit(textEmbeds), false, true);
  const scale = dense('class_head.logit_scale', imageEmbeds).elu().add(1);
  const scores = cosine.add(dense('class_head.logit_shift', imageEmbeds)).mul(scale);
  const asked = tf.tensor3d(
    ids.map((row) => (row[0]! > 0 ? 1 : 0)),
    [batch, 1, count],
    'bool',
  );

  const hidden = k.gelu(dense('box_head.dense1', k.gelu(dense('box_head.dense0', imageEmbeds))));
  const offsets = dense('box_head.dense2', hidden);
  return {
    logits: tf.where(asked, scores, tf.scalar(LOWEST)),
    boxes: offsets.add(boxBias(engine, config.side)).sigmoid(),
    ...{ textEmbeds, imageEmbeds, classEmbeds },
  };
}

/** The towers' weights under the names that CLIP has for them. */
function towerWeights(weights: Weights): Weights {
  const inside = Object.entries(weights).filter(([name]) => name.startsWith(TOWERS));
  return Object.fromEntries(inside.map(([name, tensor]) => [name.slice(TOWERS.length), tensor]));
}

/** Each patch's state times the class token's, normed: pixels [B, S, S, 3] to [B, N, D]. */
export function owlVitPatches(
  engine: Engine,
  { vision }: OwlVitConfig,
  weights: Weights,
  pixels: Tensor,
): Tensor {
  const { tf, kernels } = engine;
  const towers = towerWeights(weights);
  const states = clipVisionNorm(engine, vision, towers, clipVisionStates(engine, vision, towers, pixels));
  const [first, patches] = tf.split(states, [1, states.shape[1]! - 1], 1) as [Tensor, Tensor];
  return layerNorm(kernels, weights, 'layer_norm', patches.mul(first), vision.layerNormEps);
}

/** Rows at unit length, but for what keeps a zero row finite. */
const nearlyUnit = (x: Tensor): Tensor => x.div(x.norm(2, -1, true).add(LENGTH_EPS));

/**
 * Where boxes are before anything is learned: centred on the lower right corner of their patch and one patch large,
 * as log-odds. [N, 4].
 */
function boxBias({ tf }: Engine, side: number): Tensor {
  const logOdds = (at: number) => Math.log(at + BOX_EPS) - Math.log1p(BOX_EPS - at);
  const large = logOdds(1 / side);
  const rows = Array.from({ length: side * side }, (_, i) => {
    const [x, y] = [(i % side) + 1, Math.floor(i / side) + 1];
    return [logOdds(x / side), logOdds(y / side), large, large];
  });
  return tf.tensor2d(rows);
}

/** Inception-v3's features for the Frechet distance: pytorch-fid's InceptionV3, last pooling (pool3, 2048 values). */
import type { Engine, Tensor } from '../../engine/engine.ts';
import { type RgbImage, toPixels } from '../../engine/image.ts';
import { readSafetensorsHeader } from '../../engine/safetensors.ts';
import { disposeWeights, loadWeights, type ParameterSpec, type Weights } from '../../engine/weights.ts';
import { DiptychError } from '../../errors.ts';
import { norm } from '../layers/parameter-lists.ts';
import { inceptionLayers, type Layer } from './inception-layers.ts';

export interface InceptionModel {
  layers: readonly Layer[];
  weights: Weights;
  dispose(): void;
}

/** Side of the square that the network looks at. */
const SIDE = 299;
const NORM_EPS = 1e-3;
const FIRST = 'Conv2d_1a_3x3.conv.weight';

/**
 * The tensors of pt_inception-2015-12-05 as one safetensors file under their own names; the classifier is not needed.
 * Throws DIPTYCH_BAD_FILE for another kind of file and DIPTYCH_BAD_MODEL that names a tensor missing or misshapen.
 */
export async function loadInception(engine: Engine, file: string): Promise<InceptionModel> {
  const first = (await readSafetensorsHeader(file)).entries.get(FIRST);
  if (!first) {
    throw new DiptychError(
      'DIPTYCH_BAD_MODEL',
      `${file}: no tensor "${FIRST}"; it is not pytorch-fid's Inception`,
    );
  }
  // The published network has 32 maps there, which is twice its unit.
  const layers = inceptionLayers(first.shape[0]! / 2);
  const weights = await loadWeights(engine, file, inceptionParameters(layers));
  return { layers, weights, dispose: () => disposeWeights(weights) };
}

export function inceptionParameters(layers: readonly Layer[]): ParameterSpec[] {
  const specs: ParameterSpec[] = [];
  /** Channels behind the layers. */
  function walk(inner: readonly Layer[], channels: number): number {
    return inner.reduce((input, layer) => {
      if (layer.kind === 'pool') return input;
      if (layer.kind === 'branches') {
        return layer.branches.reduce((sum, branch) => sum + walk(branch, input), 0);
      }
      const { name, out, size } = layer;
      const statistics = ['running_mean', 'running_var'].map(
        (what): ParameterSpec => ({ name: `${name}.bn.${what}`, shape: [out], kind: 'vector' }),
      );
      specs.push(
        { name: `${name}.conv.weight`, shape: [out, input, ...size], kind: 'conv' },
        ...norm(`${name}.bn`, out),
        ...statistics,
      );
      return out;
    }, channels);
  }
  walk(layers, 3);
  return specs;
}

/** Images of any sizes to their features [B, D]. */
export function inceptionFeatures(
  engine: Engine,
  { layers, weights }: InceptionModel,
  images: readonly RgbImage[],
): Tensor {
  const { tf } = engine;
  return tf.tidy(() => {
    const squares = images.map((image) => {
      const pixels = tf.tensor4d(toPixels([image]), [1, image.height, image.width, 3]);
      // Half-pixel centres, no smoothing when it shrinks: torch's interpolate with align_corners false.
      return tf.image.resizeBilinear(pixels, [SIDE, SIDE], false, true);
    });
    return forward(engine, weights, layers, tf.concat(squares)).mean([1, 2]) as Tensor;
  });
}

function forward(engine: Engine, weights: Weights, layers: readonly Layer[], x: Tensor): Tensor {
  const { tf } = engine;
  return layers.reduce((h, layer) => {
    if (layer.kind === 'branches') {
      return tf.concat(
        layer.branches.map((branch) => forward(engine, weights, branch, h)),
        3,
      );
    }
    if (layer.kind === 'conv') return convNormRelu(engine, weights, layer, h);
    const pool = layer.by === 'max' ? tf.maxPool : tf.avgPool;
    return pool(h as never, 3, layer.stride, layer.stride === 1 ? 'same' : 'valid') as Tensor;
  }, x);
}

/** The norm's running statistics are constants, so it is one scale and one shift: of the kernel, and as its bias. */
function convNormRelu(
  { kernels }: Engine,
  weights: Weights,
  { name, stride, same }: Extract<Layer, { kind: 'conv' }>,
  x: Tensor,
): Tensor {
  const w = (what: string): Tensor => weights[`${name}.${what}`]!;
  const scale = w('bn.weight').div(w('bn.running_var').add(NORM_EPS).sqrt());
  const bias = w('bn.bias').sub(w('bn.running_mean').mul(scale)) as Tensor;
  const kernel = w('conv.weight').mul(scale) as Tensor;
  return kernels.conv2d(x, kernel, bias, { stride, ...(same ? {} : { pad: 0 }) }).relu();
}

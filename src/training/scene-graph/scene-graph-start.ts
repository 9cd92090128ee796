/** The scene-graph encoder that training begins with: the base model's own, or a new one of LAION-SG's shape. */
import type { HostTensor } from '../../engine/safetensors.ts';
import { sizeOf } from '../../engine/tensor.ts';
import { type ParameterSpec, toHost } from '../../engine/weights.ts';
import type { DiffusionModel } from '../../models/folders/model-folder.ts';
import {
  type SceneGraphEncoderConfig,
  sceneGraphEncoderParameters,
} from '../../models/scene-graph/scene-graph-encoder-parameters.ts';
import { createRandom, hashSeed } from '../../random.ts';

export interface StartingEncoder {
  config: SceneGraphEncoderConfig;
  specs: ParameterSpec[];
  /** Torch layout. */
  weights: Record<string, HostTensor>;
}

const PUBLISHED_WIDTH = 512;
const PUBLISHED_LAYERS = 5;

export function startingEncoder({ sceneGraph, unet }: DiffusionModel, seed: number): StartingEncoder {
  if (sceneGraph) {
    const { config, specs, weights } = sceneGraph;
    return { config, specs, weights: toHost(weights, specs) };
  }
  const clipDim = unet.config.crossAttentionDim;
  // Wider than what it reads would be all cost.
  const width = Math.min(PUBLISHED_WIDTH, clipDim);
  const config = { clipDim, embedDim: width, width, layers: PUBLISHED_LAYERS };
  const specs = sceneGraphEncoderParameters(config);
  return { config, specs, weights: initialWeights(specs, seed) };
}

/** torch's default for linear layers, uniform in +-1 / sqrt(fan in); the scalar in front of the graph is 0. */
function initialWeights(specs: readonly ParameterSpec[], seed: number): Record<string, HostTensor> {
  const fanIn = new Map(
    specs.filter(({ kind }) => kind === 'linear').map(({ name, shape }) => [layerOf(name), shape[1]!]),
  );
  return Object.fromEntries(
    specs.map(({ name, shape }): [string, HostTensor] => {
      const random = createRandom(hashSeed('scene-graph-encoder', seed, name));
      const inputs = fanIn.get(layerOf(name));
      const bound = inputs === undefined ? 0 : 1 / Math.sqrt(inputs);
      const data = Float32Array.from({ length: sizeOf(shape) }, () => (2 * random.next() - 1) * bound);
      return [name, { shape, dtype: 'float32', data }];
    }),
  );
}

const layerOf = (name: string) => name.replace(/\.(weight|bias)$/, '');

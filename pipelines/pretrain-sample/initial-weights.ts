/**
 * Random first weights for a list of parameters, seeded by name: adding a layer changes no other layer's start.
 * Linear and convolution weights and biases: uniform in +-1/sqrt(fan_in) (PyTorch's default);
 * embeddings: normal, standard deviation 0.02 (CLIP); norm scales 1 and shifts 0.
 */
import type { HostTensor } from '../../src/engine/safetensors.ts';
import { sizeOf } from '../../src/engine/tensor.ts';
import type { ParameterSpec } from '../../src/engine/weights.ts';
import { createRandom, hashSeed } from '../../src/random.ts';

/** Tensors in torch order and layout. Names matched by `zero` start at zero (a network's last layer). */
export function initialWeights(
  specs: readonly ParameterSpec[],
  seed: number,
  zero: RegExp,
): Record<string, HostTensor> {
  const fanIn = new Map<string, number>();
  for (const spec of specs) {
    if (spec.kind === 'linear' || spec.kind === 'conv') {
      fanIn.set(moduleOf(spec.name), sizeOf(spec.shape.slice(1)));
    }
  }
  return Object.fromEntries(
    specs.map((spec) => [spec.name, initialTensor(spec, seed, fanIn, zero.test(spec.name))]),
  );
}

function initialTensor(
  spec: ParameterSpec,
  seed: number,
  fanIn: Map<string, number>,
  zero: boolean,
): HostTensor {
  const data = new Float32Array(sizeOf(spec.shape));
  const random = createRandom(hashSeed('initial-weights', seed, spec.name));
  const fan = fanIn.get(moduleOf(spec.name));
  if (zero) return { shape: spec.shape, dtype: 'float32', data };
  if (spec.name.endsWith('logit_scale')) data.fill(Math.log(1 / 0.07));
  else if (spec.kind === 'embedding' || spec.name.endsWith('class_embedding')) {
    for (let i = 0; i < data.length; i++) data[i] = 0.02 * random.normal();
  } else if (fan !== undefined) {
    const bound = 1 / Math.sqrt(fan);
    for (let i = 0; i < data.length; i++) data[i] = (2 * random.next() - 1) * bound;
  } else data.fill(spec.name.endsWith('.weight') ? 1 : 0);
  return { shape: spec.shape, dtype: 'float32', data };
}

const moduleOf = (name: string) => name.replace(/\.(weight|bias)$/, '');

/** Gaussian noise that depends on a seed alone, whatever the engine, batch or machine. */
import type { Tensor, Tf } from '../engine/engine.ts';
import { sizeOf } from '../engine/tensor.ts';
import { createRandom } from '../random.ts';

/** Standard normal values from one stream per seed: [seeds.length, ...shape]. */
export function seededNoise(tf: Tf, seeds: readonly number[], shape: readonly number[]): Tensor {
  const size = sizeOf(shape);
  const values = new Float32Array(seeds.length * size);
  for (const [row, seed] of seeds.entries()) {
    const random = createRandom(seed);
    for (let i = 0; i < size; i++) values[row * size + i] = random.normal();
  }
  return tf.tensor(values, [seeds.length, ...shape], 'float32');
}

/** Named parameters joined to one vector, in the order of their specs and in engine layout. */
import type { Engine, Tensor } from './engine.ts';
import { rawOps } from './raw-ops.ts';
import { sizeOf } from './tensor.ts';

/** A vector cut into tensors of these shapes. */
export function splitVector(engine: Engine, vector: Tensor, shapes: readonly number[][]): Tensor[] {
  const sizes = shapes.map(sizeOf);
  const parts =
    engine.name === 'native'
      ? splitNative(engine, vector, sizes)
      : (engine.tf.split(vector, sizes) as Tensor[]);
  return parts.map((part, i) => part.reshape(shapes[i]!));
}

export function joinVector({ tf }: Engine, parts: readonly Tensor[]): Tensor {
  return tf.concat1d(parts.map((part) => part.flatten() as never));
}

/** TensorFlow.js splits by one slice per part; this is one operation. */
function splitNative({ tf }: Engine, vector: Tensor, sizes: number[]): Tensor[] {
  const raw = rawOps(tf);
  const int32 = raw.backend.binding.TF_INT32;
  const attributes = [raw.int('num_split', sizes.length), raw.type('T'), raw.type('Tlen', int32)];
  const axis = raw.constant([0]).reshape([]) as Tensor;
  return raw.runAll('SplitV', attributes, [vector, raw.constant(sizes), axis], sizes.length);
}

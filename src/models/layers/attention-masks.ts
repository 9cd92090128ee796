/** Masks for Kernels.attention: 0 where a query may look, a large negative number elsewhere. */
import type { Engine, Tensor } from '../../engine/engine.ts';

const HIDDEN = -1e9;

/** Position i looks at positions j <= i: [1, 1, L, L]. */
export function causalMask({ tf }: Engine, length: number): Tensor {
  const mask = Float32Array.from({ length: length * length }, (_, at) =>
    at % length > Math.floor(at / length) ? HIDDEN : 0,
  );
  return tf.tensor4d(mask, [1, 1, length, length]);
}

/** `attended`: B rows of 1 for a token and 0 for padding. Nobody looks at padding: [B, 1, 1, L]. */
export function paddingMask({ tf }: Engine, attended: readonly (readonly number[])[]): Tensor {
  const mask = attended.flatMap((row) => row.map((token) => (token ? 0 : HIDDEN)));
  return tf.tensor4d(mask, [attended.length, 1, 1, attended[0]!.length]);
}

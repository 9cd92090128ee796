/** Attention a few rows of the batch at a time where the scores of all would take too much memory. */
import type { Kernels } from './kernels.ts';
import { refuseInGraph } from './recorder.ts';
import type { Tensor, Tf } from './tensor.ts';

/** Bytes of scores that are there at once. One row of the batch may take more. */
export const MOST_BYTES = 2 ** 30;

/** The same function, in slices of the batch; while a gradient is taped the scores of all slices are kept. */
export function slicedAttention(
  tf: Tf,
  attention: Kernels['attention'],
  mostBytes: number,
): Kernels['attention'] {
  return (q, k, v, heads, mask) => {
    const [batch, queries] = q.shape as [number, number];
    const rowBytes = 4 * heads * queries * k.shape[1]!;
    const rows = Math.max(1, Math.floor(mostBytes / rowBytes));
    if (rows >= batch) return attention(q, k, v, heads, mask);
    refuseInGraph(tf, 'attention in slices');
    return tf.tidy(() => {
      const parts: Tensor[] = [];
      for (let first = 0; first < batch; first += rows) {
        const slice = (t: Tensor) => tf.slice(t, [first], [Math.min(rows, batch - first)]) as Tensor;
        // A mask may be the same for all rows.
        const own = mask && mask.shape[0] === batch ? slice(mask) : mask;
        parts.push(tf.tidy(() => attention(slice(q), slice(k), slice(v), heads, own)));
      }
      return tf.concat(parts, 0) as Tensor;
    });
  };
}

/** Parts of a batch beside each other in a graph, so that each core has a chain of operations of its own (threads.ts). */
import type { Engine } from './engine.ts';
import { isRecording } from './recorder.ts';
import type { Tensor } from './tensor.ts';
import { type TensorTree, tensorsOf, withTensors } from './tensor-tree.ts';

/**
 * f of rows, [B, ...] each, that don't depend on each other: in a traced function (traced.ts) in `engine.chains` parts of
 * the batch. The same up to the order of sums in gradients of what all rows share.
 */
export function inChains<I extends TensorTree>(
  { tf, chains }: Engine,
  rows: I,
  f: (rows: I) => Tensor,
): Tensor {
  const given = tensorsOf(rows);
  const batch = given[0]!.shape[0]!;
  const count = Math.min(chains, batch);
  if (count === 1 || !isRecording(tf)) return f(rows);
  const start = (i: number) => Math.floor((i * batch) / count);
  const sizes = Array.from({ length: count }, (_, i) => start(i + 1) - start(i));
  const parts = given.map((tensor) => tf.split(tensor, sizes, 0) as Tensor[]);
  return tf.concat(
    sizes.map((_, i) =>
      f(
        withTensors(
          rows,
          parts.map((part) => part[i]!),
        ),
      ),
    ),
    0,
  ) as Tensor;
}

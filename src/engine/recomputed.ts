/**
 * Gradient checkpointing (Chen et al. 2016, arXiv:1604.06174): a part of a network keeps its inputs alone, and is
 * run again when the backward pass comes to it. Less memory for the time of one more forward pass.
 */
import { refuseInGraph } from './recorder.ts';
import type { Tensor, Tf } from './tensor.ts';

/**
 * f(inputs, constants), with the same value and the same gradients for the inputs. f must be a pure function of
 * what it is given, and its value must depend on every input; constants get no gradient.
 */
export function recomputed(
  tf: Tf,
  f: (inputs: Tensor[], constants: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  constants: readonly Tensor[] = [],
): Tensor {
  refuseInGraph(tf, 'recomputation');
  const operation = tf.customGrad((...args: unknown[]) => {
    const save = args.at(-1) as (kept: Tensor[]) => void;
    save([...inputs, ...constants]);
    return {
      value: f([...inputs], [...constants]),
      gradFunc(dy: Tensor, saved: Tensor[]) {
        const again = saved.slice(0, inputs.length);
        const fixed = saved.slice(inputs.length);
        return withOwnTape(tf, () => tf.grads((...parts) => f(parts, fixed))(again, dy));
      },
    };
  });
  return (operation as unknown as (...args: Tensor[]) => Tensor)(...inputs);
}

/** TensorFlow.js has one tape; a gradient taken in the middle of another's backward pass would throw it away. */
function withOwnTape<T>(tf: Tf, work: () => T): T {
  const { state } = tf.engine();
  const outer = state.activeTape;
  try {
    return work();
  } finally {
    state.activeTape = outer;
  }
}

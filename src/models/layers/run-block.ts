/** How a network runs its blocks: straight on, or recomputing each in the backward pass to save memory. */
import { recomputed } from '../../engine/recomputed.ts';
import type { Tensor, Tf } from '../../engine/tensor.ts';
import type { Weights } from '../../engine/weights.ts';

/** Runs `f` on the weights whose names start with `name`. `constants` are what it needs but does not train. */
export type RunBlock = (
  name: string,
  f: (weights: Weights, inputs: Tensor[], constants: Tensor[]) => Tensor,
  inputs: Tensor[],
  constants?: Tensor[],
) => Tensor;

/** What a block computes on the way is freed behind it; a gradient keeps what it needs by itself. */
export const straight =
  (tf: Tf, weights: Weights): RunBlock =>
  (_name, f, inputs, constants = []) =>
    tf.tidy(() => f(weights, inputs, constants));

/**
 * Gradient checkpointing block by block. Gradients reach a block's inputs and its weights, but for the tensors that
 * are in `frozen` too.
 */
export function checkpointed(tf: Tf, weights: Weights, frozen: Weights): RunBlock {
  return (name, f, inputs, constants = []) => {
    const names = Object.keys(weights).filter((weight) => weight.startsWith(`${name}.`));
    const trained = names.filter((weight) => weights[weight] !== frozen[weight]);
    const fixed = names.filter((weight) => weights[weight] === frozen[weight]);
    const of = (list: string[]) => list.map((weight) => weights[weight]!);
    const named = (list: string[], tensors: Tensor[]) =>
      Object.fromEntries(list.map((weight, i) => [weight, tensors[i]!]));
    return recomputed(
      tf,
      (parts, kept) => {
        const own = {
          ...named(trained, parts.slice(inputs.length)),
          ...named(fixed, kept.slice(constants.length)),
        };
        return f(own, parts.slice(0, inputs.length), kept.slice(0, constants.length));
      },
      [...inputs, ...of(trained)],
      [...constants, ...of(fixed)],
    );
  };
}

/** Tensors in lists and named fields, however nested: what a traced function takes and returns. */
import type { Tensor } from './tensor.ts';

export type TensorTree =
  | Tensor
  | null
  | undefined
  | readonly TensorTree[]
  | { readonly [name: string]: TensorTree };

/** The tensors of a tree, always in the same order. */
export function tensorsOf(tree: TensorTree): Tensor[] {
  if (!tree) return [];
  if (isTensor(tree)) return [tree];
  return Object.values(tree).flatMap(tensorsOf);
}

/** A tree of the same form with other tensors, in the order of `tensorsOf`. */
export function withTensors<T extends TensorTree>(tree: T, tensors: readonly Tensor[]): T {
  let next = 0;
  const copy = (part: TensorTree): TensorTree => {
    if (!part) return part;
    if (isTensor(part)) return tensors[next++]!;
    if (Array.isArray(part)) return part.map(copy);
    return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, copy(value)]));
  };
  return copy(tree) as T;
}

/** Names, shapes and types: equal for trees that one graph can serve. */
export function signatureOf(tree: TensorTree): string {
  if (!tree) return '-';
  if (isTensor(tree)) return `${tree.dtype}[${tree.shape}]`;
  const parts = Object.entries(tree).map(([name, part]) => `${name}:${signatureOf(part)}`);
  return `(${parts.join(' ')})`;
}

const isTensor = (tree: object): tree is Tensor => 'dataId' in tree;

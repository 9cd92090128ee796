/**
 * TensorFlow operations by name, past the TensorFlow.js layer: about a quarter of its cost per call.
 * The narrow, typed door to the native backend; only fast-kernels, flat-vector, adamw and tracing go through it.
 */
import type { Tensor, Tf } from './tensor.ts';

export interface Attribute {
  name: string;
  type: number;
  value: unknown;
}

interface TensorMeta {
  id: number;
  shape: number[];
  dtype: number;
}

/** What this project uses of tfjs-node's untyped binding. */
export interface Binding {
  TF_ATTR_TYPE: number;
  TF_ATTR_BOOL: number;
  TF_ATTR_STRING: number;
  TF_ATTR_INT: number;
  TF_ATTR_FLOAT: number;
  TF_ATTR_SHAPE: number;
  TF_FLOAT: number;
  TF_INT32: number;
  TF_INT64: number;
  TF_BOOL: number;
  executeOp(name: string, attributes: Attribute[], inputIds: number[], outputs: number): TensorMeta[];
  createTensor(shape: number[], dtype: number, values: ArrayLike<number>): number;
  tensorDataSync(id: number): ArrayLike<number>;
  deleteTensor(id: number): void;
  /** This and the next are of src/engine/native/functions.cc. */
  addFunction(name: string, graph: Uint8Array, inputs: number, outputs: number): void;
  removeFunction(name: string): void;
}

export interface NativeBackend {
  binding: Binding;
  executeSingleOutput(name: string, attributes: Attribute[], inputs: Tensor[]): Tensor;
  executeMultipleOutputs(name: string, attributes: Attribute[], inputs: Tensor[], outputs: number): Tensor[];
  getInputTensorIds(tensors: Tensor[]): number[];
  createOutputTensor(meta: TensorMeta): Tensor;
  /** Takes values in, to be handed to TensorFlow when they are first used; returns the new tensor's dataId. */
  write(values: unknown, shape: number[], dtype: string): object;
  getDTypeInteger(dtype: string): number;
}

/** What this project uses of TensorFlow.js's engine that its types keep private. */
export interface Tape {
  /** As tf.customGrad, but with one gradient function per input, called only where that gradient is wanted. */
  runKernelFunc(operation: {
    inputs: Record<number, Tensor>;
    forwardFunc(backend: unknown, save: (kept: Tensor[]) => void): Tensor;
    backwardsFunc(dy: Tensor, saved: Tensor[]): Record<number, () => Tensor>;
  }): Tensor;
}

export interface RawOps {
  backend: NativeBackend;
  tape: Tape;
  run(name: string, attributes: Attribute[], inputs: Tensor[]): Tensor;
  /** Operations with several outputs. */
  runAll(name: string, attributes: Attribute[], inputs: Tensor[], outputs: number): Tensor[];
  type(name: string, value?: number): Attribute;
  int(name: string, value: number): Attribute;
  float(name: string, value: number): Attribute;
  bool(name: string, value: boolean): Attribute;
  ints(name: string, value: number[]): Attribute;
  text(name: string, value: string): Attribute;
  /** A small constant int32 vector, made once per value and kept for the life of the process. */
  constant(values: readonly number[]): Tensor;
  /** A kept float32 scalar. */
  scalar(value: number): Tensor;
  /** Whether a tensor is one of those kept ones. */
  isConstant(tensor: Tensor): boolean;
}

const made = new WeakMap<Tf, RawOps>();

export function rawOps(tf: Tf): RawOps {
  return remembered(made, tf, () => createRawOps(tf));
}

function createRawOps(tf: Tf): RawOps {
  const backend = tf.backend() as unknown as NativeBackend;
  const { binding } = backend;
  const constants = new Map<string, Tensor>();
  const kept = new WeakSet<object>();
  const cached = (key: string, make: () => Tensor) =>
    remembered(constants, key, () => {
      const tensor = tf.keep(make());
      kept.add(tensor.dataId);
      return tensor;
    });
  return {
    backend,
    tape: tf.engine() as unknown as Tape,
    run: (name, attributes, inputs) => backend.executeSingleOutput(name, attributes, inputs),
    runAll: (name, attributes, inputs, outputs) =>
      backend.executeMultipleOutputs(name, attributes, inputs, outputs),
    int: (name, value) => ({ name, type: binding.TF_ATTR_INT, value }),
    float: (name, value) => ({ name, type: binding.TF_ATTR_FLOAT, value }),
    type: (name, value = binding.TF_FLOAT) => ({ name, type: binding.TF_ATTR_TYPE, value }),
    bool: (name, value) => ({ name, type: binding.TF_ATTR_BOOL, value }),
    ints: (name, value) => ({ name, type: binding.TF_ATTR_INT, value }),
    text: (name, value) => ({ name, type: binding.TF_ATTR_STRING, value }),
    constant: (values) => cached(`i${values.join()}`, () => tf.tensor1d([...values], 'int32')),
    scalar: (value) => cached(`f${value}`, () => tf.scalar(value)),
    isConstant: (tensor) => kept.has(tensor.dataId),
  };
}

/** The value kept under a key, made on first use. */
export function remembered<K, V>(
  kept: { get(key: K): V | undefined; set(key: K, value: V): unknown },
  key: K,
  make: () => V,
): V {
  const known = kept.get(key);
  if (known !== undefined) return known;
  const value = make();
  kept.set(key, value);
  return value;
}

/** The operations that a function of tensors runs on the native engine, noted as a graph while they run. */
import type { AttributeValue, GraphNode } from './graph-def.ts';
import { type Attribute, type Binding, type NativeBackend, rawOps } from './raw-ops.ts';
import type { Tensor, Tf } from './tensor.ts';

/** What was run can't be a graph; the message says why. */
export class UntraceableError extends Error {}

/** Backends that a recording is under way on. */
const underWay = new WeakSet<object>();

export const isRecording = (tf: Tf): boolean => underWay.has(tf.backend());

/** For what saves memory by its order: a graph runs whatever is ready. Throws while a recording is under way. */
export function refuseInGraph(tf: Tf, what: string): void {
  if (isRecording(tf)) throw new UntraceableError(`${what} would not save memory in a graph`);
}

/**
 * Runs `work` and returns its graph: nodes in0, in1, ... for the inputs, out0, out1, ... for its results. What it makes
 * of numbers is constant in the graph. Throws UntraceableError where it reads a tensor's values or uses one that is
 * not among the inputs: neither could change from one call of the graph to the next.
 */
export function recorded(
  tf: Tf,
  inputs: readonly Tensor[],
  work: (inputs: Tensor[]) => readonly Tensor[],
): GraphNode[] {
  const { backend, isConstant } = rawOps(tf);
  const { binding } = backend;
  const nodes: GraphNode[] = [];
  /** Names in the graph by the binding's number of a tensor. */
  const names = new Map<number, string>();
  const known = new WeakSet<object>();
  const { getInputTensorIds, createOutputTensor, write } = backend;

  function constant(id: number, shape: number[], dtype: number, values: ArrayLike<number>): void {
    const tensor = { dtype, shape, content: contentOf(binding, dtype, values) };
    const name = `const${nodes.length}`;
    nodes.push({
      name,
      operation: 'Const',
      inputs: [],
      attributes: { dtype: { type: dtype }, value: { tensor } },
    });
    names.set(id, name);
  }

  const recording: Binding = Object.create(binding, {
    createTensor: {
      value(shape: number[], dtype: number, values: ArrayLike<number>) {
        const id = binding.createTensor(shape, dtype, values);
        constant(id, shape, dtype, values);
        return id;
      },
    },
    executeOp: {
      value(operation: string, attributes: Attribute[], ids: number[], outputs: number) {
        const results = binding.executeOp(operation, attributes, ids, outputs);
        const name = `op${nodes.length}`;
        nodes.push({
          ...{ name, operation, inputs: ids.map((id) => names.get(id)!) },
          attributes: Object.fromEntries(
            attributes.map((each) => [each.name, attributeValue(binding, each)]),
          ),
        });
        for (const [i, { id }] of results.entries()) names.set(id, i === 0 ? name : `${name}:${i}`);
        return results;
      },
    },
    tensorDataSync: {
      value() {
        throw new UntraceableError("it reads a tensor's values");
      },
    },
  });
  const hooks: Partial<NativeBackend> = {
    binding: recording,
    write(...given) {
      const dataId = write.apply(backend, given);
      known.add(dataId);
      return dataId;
    },
    createOutputTensor(meta) {
      const tensor = createOutputTensor.call(backend, meta);
      known.add(tensor.dataId);
      return tensor;
    },
    getInputTensorIds(tensors) {
      const outside = tensors.find(
        (tensor) => tensor.dataId && !known.has(tensor.dataId) && !isConstant(tensor),
      );
      if (outside) {
        throw new UntraceableError(
          `it uses a ${outside.dtype} tensor [${outside.shape}] that it was not given`,
        );
      }
      const ids = getInputTensorIds.call(backend, tensors);
      for (const [i, id] of ids.entries()) {
        const { shape, dtype } = tensors[i]!;
        if (!names.has(id)) constant(id, shape, backend.getDTypeInteger(dtype), binding.tensorDataSync(id));
      }
      return ids;
    },
  };

  tf.tidy(() => {
    // Handles of their own: two inputs may be one and the same tensor today and two others tomorrow.
    const own = inputs.map((input) => identity(backend, input));
    for (const [i, tensor] of own.entries()) {
      const { shape, dtype } = tensor;
      const type = { type: backend.getDTypeInteger(dtype) };
      known.add(tensor.dataId);
      names.set(backend.getInputTensorIds([tensor])[0]!, `in${i}`);
      nodes.push({
        ...{ name: `in${i}`, operation: 'Placeholder', inputs: [] },
        attributes: { dtype: type, shape: { shape }, _output_shapes: { shapes: [shape] } },
      });
    }
    let results: readonly Tensor[];
    Object.assign(backend, hooks);
    underWay.add(backend);
    try {
      results = work(own);
      const ids = backend.getInputTensorIds([...results]);
      for (const [i, tensor] of results.entries()) {
        nodes.push({
          ...{ name: `out${i}`, operation: 'Identity', inputs: [names.get(ids[i]!)!] },
          attributes: { T: { type: backend.getDTypeInteger(tensor.dtype) } },
        });
      }
    } catch (thrown) {
      discardTape(tf);
      throw thrown;
    } finally {
      // The methods again are those of the backend's class.
      for (const name of Object.keys(hooks)) delete (backend as unknown as Record<string, unknown>)[name];
      backend.binding = binding;
      underWay.delete(backend);
    }
  });
  return nodes;
}

/** TensorFlow.js frees what a gradient keeps at its end alone, not where it is broken off. */
function discardTape(tf: Tf): void {
  const { state } = tf.engine();
  for (const { saved } of state.activeTape ?? []) tf.dispose(saved ?? []);
  state.activeTape = null as never;
}

function identity(backend: NativeBackend, input: Tensor): Tensor {
  const value = backend.getDTypeInteger(input.dtype);
  return backend.executeSingleOutput(
    'Identity',
    [{ name: 'T', type: backend.binding.TF_ATTR_TYPE, value }],
    [input],
  );
}

function attributeValue(binding: Binding, { name, type, value }: Attribute): AttributeValue {
  const isList = Array.isArray(value) || ArrayBuffer.isView(value);
  if (type === binding.TF_ATTR_INT && isList) return { ints: [...(value as number[])] };
  if (type === binding.TF_ATTR_SHAPE) return { shape: value as number[] };
  if (!isList) {
    if (type === binding.TF_ATTR_INT) return { int: value as number };
    if (type === binding.TF_ATTR_FLOAT) return { float: value as number };
    if (type === binding.TF_ATTR_BOOL) return { bool: value as boolean };
    if (type === binding.TF_ATTR_STRING) return { text: value as string };
    if (type === binding.TF_ATTR_TYPE) return { type: value as number };
  }
  throw new UntraceableError(`the attribute "${name}" is of a kind that is not written to graphs`);
}

/** The values of a constant as they lie in memory. */
function contentOf(binding: Binding, dtype: number, values: ArrayLike<number>): Uint8Array {
  const as = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  if (dtype === binding.TF_FLOAT) return as(Float32Array.from(values));
  // 64-bit ones come as two halves.
  if (dtype === binding.TF_INT32 || dtype === binding.TF_INT64) return as(Int32Array.from(values));
  if (dtype === binding.TF_BOOL) return Uint8Array.from(values);
  throw new UntraceableError(`a constant is of type ${dtype}, which is not written to graphs`);
}

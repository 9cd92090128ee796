/**
 * Whole functions of tensors as one operation each: what a function runs on the native engine is recorded once per
 * shapes of its inputs and registered as a TensorFlow function, which TensorFlow optimises as a graph and calls
 * without coming back to JavaScript in between (as tf.function does; Agrawal et al., arXiv 1903.01855).
 */
import { createHash } from 'node:crypto';
import { asError } from '../errors.ts';
import type { Engine, Tensor } from './engine.ts';
import { encodeGraph } from './graph-def.ts';
import { type NativeBackend, rawOps } from './raw-ops.ts';
import { isRecording, recorded, UntraceableError } from './recorder.ts';
import { signatureOf, type TensorTree, tensorsOf, withTensors } from './tensor-tree.ts';

/** Graphs that a process holds at once; beyond it the one that was used longest ago is freed. */
export const MOST_GRAPHS = 32;

interface Graph<O> {
  name: string;
  /** A result as the function returned it: its form is that of every other. */
  form: O;
}

/** Names of the graphs that TensorFlow holds, the one that was used last at the end. */
const held = new Set<string>();

/**
 * f as one operation on an engine that traces, f itself elsewhere. f must be a pure function of the tensors that it is
 * given: a number that changes from call to call has to come as a tensor. Equal inputs give equal bits, the first
 * time too. Inside a gradient or another traced function f is run as it is. Where it can't be traced, a line says why,
 * once, and f is run as it is at these shapes from then on.
 */
export function traced<I extends TensorTree, O extends TensorTree>(
  engine: Engine,
  f: (inputs: I) => O,
): (inputs: I) => O {
  const { tf } = engine;
  const plain = (inputs: I): O => tf.tidy(() => f(inputs) as never);
  if (!engine.traces) return plain;
  const { backend } = rawOps(tf);
  const graphs = new Map<string, Graph<O>>();
  const untraceable = new Set<string>();

  function graphFor(key: string, inputs: I): Graph<O> {
    const known = graphs.get(key);
    if (known && held.has(known.name)) return known;
    const graph = register(engine, f, inputs);
    graphs.set(key, graph);
    return graph;
  }

  return (inputs) => {
    if (isRecording(tf) || tf.engine().state.gradientDepth > 0) return plain(inputs);
    const key = signatureOf(inputs);
    if (untraceable.has(key)) return plain(inputs);
    try {
      const graph = graphFor(key, inputs);
      markUsed(backend, graph.name);
      return call(backend, graph, tensorsOf(inputs));
    } catch (thrown) {
      if (!(thrown instanceof UntraceableError)) throw thrown;
      if (untraceable.size === 0) {
        console.error(
          `engine: a function can't be traced (${thrown.message}); it runs operation by operation.`,
        );
      }
      untraceable.add(key);
      return plain(inputs);
    }
  };
}

function register<I extends TensorTree, O extends TensorTree>(
  { tf }: Engine,
  f: (inputs: I) => O,
  inputs: I,
): Graph<O> {
  const { binding } = rawOps(tf).backend;
  const given = tensorsOf(inputs);
  let form: O;
  const nodes = recorded(tf, given, (own) => {
    form = f(withTensors(inputs, own));
    return tensorsOf(form);
  });
  // Equal graphs are one: a model and those tuned from it, and a run and the one before, share what TensorFlow made.
  const graph = encodeGraph(nodes);
  const name = `diptych_${createHash('sha256').update(graph).digest('hex')}`;
  if (!held.has(name)) {
    const results = tensorsOf(form!).length;
    orUntraceable(() => binding.addFunction(name, graph, given.length, results));
  }
  return { name, form: form! };
}

function call<O extends TensorTree>(backend: NativeBackend, { name, form }: Graph<O>, inputs: Tensor[]): O {
  const count = tensorsOf(form).length;
  return withTensors(
    form,
    orUntraceable(() => backend.executeMultipleOutputs(name, [], inputs, count)),
  );
}

/** What TensorFlow objects to here may go well operation by operation; what does not is thrown from there. */
function orUntraceable<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw new UntraceableError(asError(thrown).message);
  }
}

function markUsed({ binding }: NativeBackend, name: string): void {
  held.delete(name);
  held.add(name);
  if (held.size <= MOST_GRAPHS) return;
  const [oldest] = held;
  held.delete(oldest!);
  binding.removeFunction(oldest!);
}

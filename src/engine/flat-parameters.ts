/**
 * All trainable parameters as one flat vector: split into named views for a forward pass, their gradients
 * joined again, clipped by global norm and handed to an optimizer. Thousands of small operations become a few.
 */
import { adamW } from './adamw.ts';
import type { Engine, Tensor } from './engine.ts';
import { joinVector, splitVector } from './flat-vector.ts';
import type { OptimizerRule, OptimizerState } from './optimizer.ts';
import type { HostTensor } from './safetensors.ts';
import { sizeOf } from './tensor.ts';
import type { TensorTree } from './tensor-tree.ts';
import { traced } from './traced.ts';
import { engineShape, type ParameterSpec, toEngineLayout, toTorchLayout, type Weights } from './weights.ts';

export interface FlatSettings {
  /** AdamW with its defaults where none is named. */
  optimizer: OptimizerRule;
  /** Gradients longer than this are scaled down to it (torch's clip_grad_norm_). Infinity switches it off. */
  maxGradNorm: number;
}

/** Optimizer state as files keep it; the vectors are in the order of the specs, engine layout. */
export interface FlatState extends OptimizerState {
  step: number;
}

/** The scalar to minimise, and tensors whose values the caller wants to see with it. */
export interface LossWithAux {
  loss: Tensor;
  aux?: Tensor[];
}

export type LossOfWeights = (weights: Weights) => LossWithAux;

/** A pure function of the weights and of all else that changes from step to step. */
export type LossOfInputs<I extends TensorTree> = (weights: Weights, inputs: I) => LossWithAux;

/** One optimizer step on the mean of a loss over these inputs. */
export type Stepper<I extends TensorTree> = (inputs: readonly I[], learningRate: number) => StepResult;

export interface StepResult {
  loss: number;
  aux: Float32Array[];
  /** Global norm of the gradient before clipping. */
  gradNorm: number;
  /** Norm of the change of the parameters, weight decay included. */
  updateNorm: number;
}

export interface FlatParameters {
  /** One optimizer step on `loss(weights)`. Deterministic: equal state and loss give equal bits. */
  step(loss: LossOfWeights, learningRate: number): StepResult;
  /**
   * Steps on the mean of one loss over several inputs, differentiated one after the other: memory holds what one of them
   * needs, and a sum of gradients. Value and gradient are traced (traced.ts), aux values joined, one input behind the other.
   */
  stepper<I extends TensorTree>(loss: LossOfInputs<I>): Stepper<I>;
  /** Named views of the parameters for a forward pass; the caller disposes them (or calls inside tf.tidy). */
  weights(): Weights;
  /** The same of what training is for: the average of the parameters where the optimizer keeps one. */
  tuned(): Weights;
  /** `tuned` by name in torch's layout. */
  toHost(): Record<string, HostTensor>;
  state(): FlatState;
  dispose(): void;
}

/** A loss with its gradient, as a vector like that of the parameters. */
type Differentiated = { value: Tensor; gradient: Tensor; aux: Tensor[] };

/** `initial`: parameters by name in torch's layout, or the state of an earlier run. */
export function createFlatParameters(
  engine: Engine,
  specs: readonly ParameterSpec[],
  initial: Record<string, HostTensor> | FlatState,
  { optimizer: rule = adamW(), maxGradNorm = Number.POSITIVE_INFINITY }: Partial<FlatSettings> = {},
): FlatParameters {
  const { tf } = engine;
  const shapes = specs.map(engineShape);
  const start = isState(initial) ? initial : { step: 0, parameters: joined(initial) };
  const optimizer = rule(engine, specs, start);
  let stepsDone = start.step;

  function joined(host: Record<string, HostTensor>): Float32Array {
    const vector = new Float32Array(shapes.reduce((sum, shape) => sum + sizeOf(shape), 0));
    let offset = 0;
    for (const [i, spec] of specs.entries()) {
      vector.set(toEngineLayout(host[spec.name]!, spec.kind).data, offset);
      offset += sizeOf(shapes[i]!);
    }
    return vector;
  }

  const norm = (x: Tensor): number => tf.tidy(() => x.square().sum().sqrt().dataSync()[0]!);
  const named = (parts: Tensor[]): Weights =>
    Object.fromEntries(specs.map((spec, i) => [spec.name, parts[i]!]));

  function differentiated(vector: Tensor, loss: LossOfWeights): Differentiated {
    let kept: Tensor[] = [];
    const differentiate = tf.valueAndGrads((...parts: Tensor[]) => {
      const result = loss(named(parts));
      kept = (result.aux ?? []).map((tensor) => tf.keep(tensor));
      return result.loss as never;
    });
    const { value, grads } = differentiate(splitVector(engine, vector, shapes));
    const aux = kept.map((tensor) => tensor.clone());
    tf.dispose(kept);
    return { value, gradient: joinVector(engine, grads), aux };
  }

  /** At the parameters as they are; the caller disposes the tensors. */
  function atParameters(work: (vector: Tensor) => Differentiated): Differentiated {
    const vector = optimizer.vector();
    const found = work(vector);
    vector.dispose();
    return found;
  }

  /** Value, aux values and gradient of the mean of the losses. */
  function meanOf(losses: readonly (() => Differentiated)[]) {
    let sum = tf.scalar(0) as Tensor;
    let loss = 0;
    const aux: Float32Array[][] = [];
    for (const [i, one] of losses.entries()) {
      const found = one();
      const before = sum;
      sum = i === 0 ? found.gradient.clone() : before.add(found.gradient);
      loss += found.value.dataSync()[0]! / losses.length;
      aux.push(found.aux.map((tensor) => Float32Array.from(tensor.dataSync())));
      tf.dispose([found.value, found.gradient, ...found.aux, before]);
    }
    const gradient = losses.length === 1 ? sum.clone() : sum.div(losses.length);
    sum.dispose();
    const joinedAux = aux[0]!.map((_, i) => Float32Array.from(aux.flatMap((values) => [...values[i]!])));
    return { loss, aux: joinedAux, gradient: gradient as Tensor };
  }

  function stepAlong(losses: readonly (() => Differentiated)[], learningRate: number): StepResult {
    const { loss, aux, gradient } = meanOf(losses);
    const gradNorm = norm(gradient);
    const scale = Math.min(1, maxGradNorm / (gradNorm + 1e-6));
    const clipped = scale < 1 ? gradient.mul(scale) : gradient.clone();
    stepsDone++;
    const before = optimizer.vector();
    optimizer.apply(clipped, learningRate, stepsDone);
    const updateNorm = tf.tidy(() => norm(optimizer.vector().sub(before)));
    tf.dispose([gradient, clipped, before]);
    return { loss, aux, gradNorm, updateNorm };
  }

  const views = (vector: () => Tensor) => named(tf.tidy(() => splitVector(engine, vector(), shapes)));

  return {
    step: (loss, learningRate) =>
      stepAlong([() => atParameters((vector) => tf.tidy(() => differentiated(vector, loss)))], learningRate),
    stepper<I extends TensorTree>(loss: LossOfInputs<I>): Stepper<I> {
      const gradient = traced(engine, ({ vector, inputs }: { vector: Tensor; inputs: I }) =>
        differentiated(vector, (weights) => loss(weights, inputs)),
      );
      return (all, learningRate) =>
        stepAlong(
          all.map((inputs) => () => atParameters((vector) => gradient({ vector, inputs }))),
          learningRate,
        );
    },
    weights: () => views(optimizer.vector),
    tuned: () => views(optimizer.average ?? optimizer.vector),
    toHost() {
      const { parameters, ema } = optimizer.state();
      const values = ema ?? parameters;
      let offset = 0;
      return Object.fromEntries(
        specs.map((spec, i) => {
          const data = values.slice(offset, offset + sizeOf(shapes[i]!));
          offset += data.length;
          return [spec.name, toTorchLayout({ shape: shapes[i]!, dtype: 'float32', data }, spec.kind)];
        }),
      );
    },
    state: () => ({ step: stepsDone, ...optimizer.state() }),
    dispose: () => optimizer.dispose(),
  };
}

function isState(value: Record<string, HostTensor> | FlatState): value is FlatState {
  return typeof (value as FlatState).step === 'number';
}

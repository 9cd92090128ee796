/**
 * All trainable parameters as one flat vector: split into named views for a forward pass, their gradients
 * joined again, clipped by global norm and handed to AdamW. Thousands of small operations become a few.
 */
import { ADAMW_DEFAULTS, type AdamWSettings, createAdamW } from './adamw.ts';
import type { Engine, Tensor } from './engine.ts';
import { rawOps } from './raw-ops.ts';
import type { HostTensor } from './safetensors.ts';
import { engineShape, type ParameterSpec, toEngineLayout, toTorchLayout, type Weights } from './weights.ts';

export interface FlatSettings extends AdamWSettings {
  /** Gradients longer than this are scaled down to it (torch's clip_grad_norm_). Infinity switches it off. */
  maxGradNorm: number;
}

/** Optimizer state as files keep it; the vectors are in the order of the specs, engine layout. */
export interface FlatState {
  step: number;
  parameters: Float32Array;
  m: Float32Array;
  v: Float32Array;
}

/** The scalar to minimise, and tensors whose values the caller wants to see with it. */
export interface LossWithAux {
  loss: Tensor;
  aux?: Tensor[];
}

export interface StepResult {
  loss: number;
  aux: Float32Array[];
  /** Global norm of the gradient before clipping. */
  gradNorm: number;
}

export interface FlatParameters {
  /** One optimizer step on `loss(weights)`. Deterministic: equal state and loss give equal bits. */
  step(loss: (weights: Weights) => LossWithAux, learningRate: number): StepResult;
  /** Named views of the parameters for a forward pass; the caller disposes them (or calls inside tf.tidy). */
  weights(): Weights;
  /** Parameters by name in torch's layout. */
  toHost(): Record<string, HostTensor>;
  state(): FlatState;
  dispose(): void;
}

/** `initial`: parameters by name in torch's layout, or the state of an earlier run. */
export function createFlatParameters(
  engine: Engine,
  specs: readonly ParameterSpec[],
  initial: Record<string, HostTensor> | FlatState,
  settings: Partial<FlatSettings> = {},
): FlatParameters {
  const { tf } = engine;
  const { maxGradNorm, ...adamw } = { ...ADAMW_DEFAULTS, maxGradNorm: Number.POSITIVE_INFINITY, ...settings };
  const shapes = specs.map(engineShape);
  const sizes = shapes.map((shape) => shape.reduce((n, d) => n * d, 1));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const start = isState(initial) ? initial : freshState(initial);
  const optimizer = createAdamW(engine, start, adamw);
  let stepsDone = start.step;

  function freshState(host: Record<string, HostTensor>): FlatState {
    const parameters = new Float32Array(total);
    let offset = 0;
    for (const [i, spec] of specs.entries()) {
      parameters.set(toEngineLayout(host[spec.name]!, spec.kind).data, offset);
      offset += sizes[i]!;
    }
    return { step: 0, parameters, m: new Float32Array(total), v: new Float32Array(total) };
  }

  function split(vector: Tensor): Tensor[] {
    const parts = engine.name === 'native' ? splitNative(vector) : (tf.split(vector, sizes) as Tensor[]);
    return parts.map((part, i) => part.reshape(shapes[i]!));
  }

  function splitNative(vector: Tensor): Tensor[] {
    const raw = rawOps(tf);
    const int32 = raw.backend.binding.TF_INT32;
    const attributes = [raw.int('num_split', sizes.length), raw.type('T'), raw.type('Tlen', int32)];
    const axis = raw.constant([0]).reshape([]) as Tensor;
    return raw.runAll('SplitV', attributes, [vector, raw.constant(sizes), axis], sizes.length);
  }

  const named = (parts: Tensor[]): Weights =>
    Object.fromEntries(specs.map((spec, i) => [spec.name, parts[i]!]));

  return {
    step(loss, learningRate) {
      let aux: Tensor[] = [];
      const [value, gradient] = tf.tidy(() => {
        const vector = optimizer.vector();
        const differentiate = tf.valueAndGrads((...parts: Tensor[]) => {
          const result = loss(named(parts));
          aux = (result.aux ?? []).map((tensor) => tf.keep(tensor));
          return result.loss as never;
        });
        const { value, grads } = differentiate(split(vector));
        return [value as Tensor, tf.concat1d(grads.map((grad) => grad.flatten() as never)) as Tensor];
      });
      const gradNorm = tf.tidy(() => gradient.square().sum().sqrt().dataSync()[0]!);
      const scale = Math.min(1, maxGradNorm / (gradNorm + 1e-6));
      const clipped = scale < 1 ? gradient.mul(scale) : gradient.clone();
      stepsDone++;
      optimizer.apply(clipped, learningRate, stepsDone);
      const result = {
        loss: value.dataSync()[0]!,
        aux: aux.map((t) => Float32Array.from(t.dataSync())),
        gradNorm,
      };
      tf.dispose([value, gradient, clipped, ...aux]);
      return result;
    },
    weights: () => named(tf.tidy(() => split(optimizer.vector()))),
    toHost() {
      const { parameters } = optimizer.state();
      let offset = 0;
      return Object.fromEntries(
        specs.map((spec, i) => {
          const data = parameters.slice(offset, offset + sizes[i]!);
          offset += sizes[i]!;
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

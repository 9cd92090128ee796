/**
 * AdamW on one flat vector, as torch.optim.AdamW does it:
 *   p <- p (1 - lr wd);  m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2
 *   p <- p - lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps)
 * (Loshchilov and Hutter, arXiv 1711.05101.) On the native engine one in-place operation, elsewhere composed.
 */
import type { Engine, Tensor } from './engine.ts';
import { type Optimizer, type OptimizerRule, type OptimizerState, startMoment } from './optimizer.ts';
import { type Attribute, rawOps } from './raw-ops.ts';
import { sizeOf } from './tensor.ts';
import type { ParameterSpec } from './weights.ts';

export interface AdamWSettings {
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
}

export const ADAMW_DEFAULTS: AdamWSettings = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01 };

/** `decays`: which parameters the weight decay is for; torch's parameter groups. */
export function adamW(
  settings: Partial<AdamWSettings> = {},
  decays: (spec: ParameterSpec) => boolean = () => true,
): OptimizerRule {
  const all = { ...ADAMW_DEFAULTS, ...settings };
  return (engine, specs, start) => {
    const { parameters } = start;
    const [m, v] = (['m', 'v'] as const).map((moment) => startMoment(start, moment, parameters.length));
    const mask = specs.every(decays) ? null : decayMask(specs, decays);
    return createAdamW(engine, { parameters, m: m!, v: v! }, all, mask);
  };
}

/** 1 for each value that decays, 0 for the others. */
function decayMask(specs: readonly ParameterSpec[], decays: (spec: ParameterSpec) => boolean): Float32Array {
  const sizes = specs.map(({ shape }) => sizeOf(shape));
  const mask = new Float32Array(sizes.reduce((sum, size) => sum + size, 0));
  let offset = 0;
  for (const [i, spec] of specs.entries()) {
    if (decays(spec)) mask.fill(1, offset, offset + sizes[i]!);
    offset += sizes[i]!;
  }
  return mask;
}

/** `decayMask`: null where every parameter decays. */
export function createAdamW(
  engine: Engine,
  start: OptimizerState,
  settings: AdamWSettings,
  decayMask: Float32Array | null = null,
): Optimizer {
  const { tf } = engine;
  const mask = decayMask && tf.keep(tf.tensor1d(decayMask) as Tensor);
  const decayed = (p: Tensor, learningRate: number): Tensor => {
    const share = learningRate * settings.weightDecay;
    return mask ? p.sub(p.mul(mask).mul(share)) : p.mul(1 - share);
  };
  const create = engine.name === 'native' ? nativeAdamW : composedAdamW;
  const optimizer = create(engine, start, settings, decayed);
  return {
    ...optimizer,
    dispose() {
      optimizer.dispose();
      mask?.dispose();
    },
  };
}

/** The parameters after the weight decay of one step. */
type Decayed = (parameters: Tensor, learningRate: number) => Tensor;

function composedAdamW(
  { tf }: Engine,
  start: OptimizerState,
  { beta1, beta2, eps }: AdamWSettings,
  decayed: Decayed,
): Optimizer {
  let held = [start.parameters, start.m, start.v].map((data) => tf.keep(tf.tensor1d(data) as Tensor));
  const read = (i: number) => held[i]!.dataSync() as Float32Array;
  return {
    vector: () => held[0]!.clone(),
    apply(g, learningRate, t) {
      const next = tf.tidy(() => {
        const [p, m, v] = held as [Tensor, Tensor, Tensor];
        const m1 = m.mul(beta1).add(g.mul(1 - beta1));
        const v1 = v.mul(beta2).add(g.square().mul(1 - beta2));
        const denominator = v1
          .div(1 - beta2 ** t)
          .sqrt()
          .add(eps);
        const p1 = decayed(p, learningRate).sub(m1.div(denominator).mul(learningRate / (1 - beta1 ** t)));
        return [p1, m1, v1] as Tensor[];
      });
      tf.dispose(held);
      held = next.map((tensor) => tf.keep(tensor));
    },
    state: () => ({ parameters: read(0), m: read(1), v: read(2) }),
    dispose: () => tf.dispose(held),
  };
}

/** TensorFlow's ResourceApplyAdam on three variables that never leave the device. */
function nativeAdamW(
  { tf }: Engine,
  start: OptimizerState,
  { beta1, beta2, eps, weightDecay }: AdamWSettings,
  decayed: Decayed,
): Optimizer {
  const raw = rawOps(tf);
  const { binding, getInputTensorIds, createOutputTensor } = {
    binding: raw.backend.binding,
    getInputTensorIds: (tensors: Tensor[]) => raw.backend.getInputTensorIds(tensors),
    createOutputTensor: (meta: never) => raw.backend.createOutputTensor(meta),
  };
  const dtype = [raw.type('dtype')];
  const handles = [start.parameters, start.m, start.v].map((data, i) => {
    const shape: Attribute = { name: 'shape', type: binding.TF_ATTR_SHAPE, value: [data.length] };
    const name = `diptych-adamw-${process.hrtime.bigint()}-${i}`;
    const attributes = [raw.text('container', ''), raw.text('shared_name', name), raw.type('dtype'), shape];
    const handle = binding.executeOp('VarHandleOp', attributes, [], 1)[0]!.id;
    const value = tf.tensor1d(data) as Tensor;
    binding.executeOp('AssignVariableOp', dtype, [handle, ...getInputTensorIds([value])], 0);
    value.dispose();
    return handle;
  }) as [number, number, number];
  const read = (i: number) =>
    createOutputTensor(binding.executeOp('ReadVariableOp', dtype, [handles[i]!], 1)[0] as never);
  const onHost = (i: number) => {
    const tensor = read(i);
    const data = Float32Array.from(tensor.dataSync());
    tensor.dispose();
    return data;
  };
  const applyAttributes = [raw.type('T'), raw.bool('use_locking', false), raw.bool('use_nesterov', false)];
  return {
    vector: () => read(0),
    apply(gradient, learningRate, t) {
      tf.tidy(() => {
        if (weightDecay !== 0) {
          const smaller = getInputTensorIds([decayed(read(0), learningRate)]);
          binding.executeOp('AssignVariableOp', dtype, [handles[0], ...smaller], 0);
        }
        // The operation adds epsilon before the bias correction of v; torch after it.
        const correctedEps = eps * Math.sqrt(1 - beta2 ** t);
        const scalars = [beta1 ** t, beta2 ** t, learningRate, beta1, beta2, correctedEps].map(
          (x) => tf.scalar(x) as Tensor,
        );
        binding.executeOp(
          'ResourceApplyAdam',
          applyAttributes,
          [...handles, ...getInputTensorIds([...scalars, gradient])],
          0,
        );
      });
    },
    state: () => ({ parameters: onHost(0), m: onHost(1), v: onHost(2) }),
    dispose() {
      for (const handle of handles) {
        binding.executeOp('DestroyResourceOp', [raw.bool('ignore_lookup_error', true)], [handle], 0);
        binding.deleteTensor(handle);
      }
    },
  };
}

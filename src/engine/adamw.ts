/**
 * AdamW on one flat vector, as torch.optim.AdamW does it:
 *   p <- p (1 - lr wd);  m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2
 *   p <- p - lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps)
 * (Loshchilov and Hutter, arXiv 1711.05101.) On the native engine one in-place operation, elsewhere composed.
 */
import type { Engine, Tensor } from './engine.ts';
import { type Optimizer, type OptimizerRule, type OptimizerState, startMoment } from './optimizer.ts';
import { type Attribute, rawOps } from './raw-ops.ts';

export interface AdamWSettings {
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
}

export const ADAMW_DEFAULTS: AdamWSettings = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01 };

export function adamW(settings: Partial<AdamWSettings> = {}): OptimizerRule {
  const all = { ...ADAMW_DEFAULTS, ...settings };
  return (engine, _specs, start) => {
    const { parameters } = start;
    const [m, v] = (['m', 'v'] as const).map((moment) => startMoment(start, moment, parameters.length));
    return createAdamW(engine, { parameters, m: m!, v: v! }, all);
  };
}

export function createAdamW(engine: Engine, start: OptimizerState, settings: AdamWSettings): Optimizer {
  return engine.name === 'native'
    ? nativeAdamW(engine, start, settings)
    : composedAdamW(engine, start, settings);
}

function composedAdamW(
  { tf }: Engine,
  start: OptimizerState,
  { beta1, beta2, eps, weightDecay }: AdamWSettings,
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
        const p1 = p
          .mul(1 - learningRate * weightDecay)
          .sub(m1.div(denominator).mul(learningRate / (1 - beta1 ** t)));
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
          const decayed = read(0).mul(1 - learningRate * weightDecay);
          binding.executeOp(
            'AssignVariableOp',
            dtype,
            [handles[0], ...getInputTensorIds([decayed as Tensor])],
            0,
          );
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

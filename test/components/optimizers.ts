/** Optimizers on the flat parameter vector: twelve clipped, warmed-up steps. */
import { createFlatParameters } from '../../src/engine/flat-parameters.ts';
import { type ParameterSpec, toEngineLayout } from '../../src/engine/weights.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { engine } from './tensors.ts';

const { tf } = engine;

async function adamw(golden: GoldenCase): Promise<void> {
  const specs: ParameterSpec[] = [
    { name: 'matrix', shape: golden.input['param.matrix']!.shape, kind: 'linear' },
    { name: 'vector', shape: golden.input['param.vector']!.shape, kind: 'vector' },
    { name: 'conv', shape: golden.input['param.conv']!.shape, kind: 'conv' },
  ];
  const { lr, warmup, steps, max_grad_norm: maxGradNorm, adamw } = golden.json;
  const [beta1, beta2] = adamw.betas as [number, number];
  const flat = createFlatParameters(
    engine,
    specs,
    Object.fromEntries(specs.map(({ name }) => [name, golden.input[`param.${name}`]!])),
    { beta1, beta2, eps: adamw.eps, weightDecay: adamw.weight_decay, maxGradNorm },
  );
  const seen: Record<string, number[]> = { matrix: [], vector: [], conv: [], lr: [], norm: [] };
  for (let k = 0; k < steps; k++) {
    const gradients = specs.map(({ name, shape, kind }) => {
      const size = shape.reduce((n, d) => n * d, 1);
      const data = golden.input[`grads.${name}`]!.data.subarray(k * size, (k + 1) * size) as Float32Array;
      const turned = toEngineLayout({ shape, dtype: 'float32', data }, kind);
      return tf.tensor(turned.data, turned.shape, 'float32');
    });
    const rate = lr * Math.min(1, k / warmup);
    // The gradient of sum(w * g) is g.
    const { gradNorm } = flat.step((weights) => {
      const parts = specs.map(({ name }, i) => weights[name]!.mul(gradients[i]!).sum());
      return { loss: parts.reduce((sum, part) => sum.add(part)) };
    }, rate);
    tf.dispose(gradients);
    seen.lr!.push(rate);
    seen.norm!.push(gradNorm);
    const host = flat.toHost();
    for (const { name } of specs) seen[name]!.push(...host[name]!.data);
  }
  golden.check('lr', seen.lr!);
  golden.check('grad_norm', seen.norm!);
  for (const { name } of specs) golden.check(`adamw.${name}`, seen[name]!);
  flat.dispose();
}

export const components: Record<string, ComponentCheck> = { optimizers: adamw };

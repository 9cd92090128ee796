/** Optimizers on the flat parameter vector: clipped, warmed-up steps, on the native engine and on cpu. */
import { adafactor } from '../../src/engine/adafactor.ts';
import { adamW } from '../../src/engine/adamw.ts';
import { type Engine, type EngineName, nativeProblem, openEngine } from '../../src/engine/engine.ts';
import { createFlatParameters } from '../../src/engine/flat-parameters.ts';
import type { OptimizerRule } from '../../src/engine/optimizer.ts';
import { sizeOf } from '../../src/engine/tensor.ts';
import { type ParameterSpec, toEngineLayout } from '../../src/engine/weights.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { engine as usual } from './tensors.ts';

function rules({ json }: GoldenCase): Record<string, OptimizerRule> {
  const { betas, eps, weight_decay } = json.adamw;
  const factored = { ...json.adafactor_defaults, ...json.adafactor };
  return {
    adamw: adamW({ beta1: betas[0], beta2: betas[1], eps, weightDecay: weight_decay }),
    adafactor: adafactor({
      eps1: factored.eps[0],
      eps2: factored.eps[1],
      clipThreshold: factored.clip_threshold,
      decayRate: factored.decay_rate,
      weightDecay: factored.weight_decay,
      scaleParameter: factored.scale_parameter,
      relativeStep: factored.relative_step,
      warmupInit: factored.warmup_init,
    }),
  };
}

/** The case's steps from its parameters; every tensor after every step. */
function takeSteps(engine: Engine, golden: GoldenCase, name: string, optimizer: OptimizerRule): void {
  const { tf } = engine;
  const { input, json } = golden;
  const specs = (['matrix', 'vector', 'conv'] as const).map((part): ParameterSpec => {
    const kind = part === 'matrix' ? 'linear' : part;
    return { name: part, shape: input[`param.${part}`]!.shape, kind };
  });
  const initial = Object.fromEntries(specs.map(({ name }) => [name, input[`param.${name}`]!]));
  const flat = createFlatParameters(engine, specs, initial, { optimizer, maxGradNorm: json.max_grad_norm });
  const seen: Record<string, number[]> = { matrix: [], vector: [], conv: [], lr: [], norm: [] };
  for (let k = 0; k < json.steps; k++) {
    const gradients = specs.map(({ name, shape, kind }) => {
      const size = sizeOf(shape);
      const data = input[`grads.${name}`]!.data.slice(k * size, (k + 1) * size);
      const turned = toEngineLayout({ shape, dtype: 'float32', data }, kind);
      return tf.tensor(turned.data, turned.shape, 'float32');
    });
    const rate = json.lr * Math.min(1, k / json.warmup);
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
  for (const part of specs) golden.check(`${name}.${part.name}`, seen[part.name]!);
  flat.dispose();
}

async function optimizers(golden: GoldenCase): Promise<void> {
  golden.exact('first moment of adafactor', golden.json.adafactor_defaults.beta1, null);
  // All engines share TensorFlow.js's one current backend: what comes after finds it as it was.
  const backend = usual.tf.getBackend();
  const engines: EngineName[] = nativeProblem() === null ? ['native', 'cpu'] : ['cpu'];
  try {
    for (const prefer of engines) {
      const engine = await openEngine({ prefer });
      await engine.tf.setBackend(prefer === 'native' ? 'tensorflow' : prefer);
      for (const [name, rule] of Object.entries(rules(golden))) takeSteps(engine, golden, name, rule);
    }
  } finally {
    await usual.tf.setBackend(backend);
  }
}

export const components: Record<string, ComponentCheck> = { optimizers };

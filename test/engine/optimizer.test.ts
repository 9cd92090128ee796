/** AdamW and the flat parameter vector against plain float64 arithmetic and closed forms. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADAMW_DEFAULTS, type AdamWSettings, adamW, createAdamW } from '../../src/engine/adamw.ts';
import {
  type Engine,
  type EngineName,
  nativeProblem,
  openEngine,
  type Tensor,
} from '../../src/engine/engine.ts';
import {
  createFlatParameters,
  type FlatParameters,
  type LossWithAux,
} from '../../src/engine/flat-parameters.ts';
import type { OptimizerRule, OptimizerState } from '../../src/engine/optimizer.ts';
import type { HostTensor } from '../../src/engine/safetensors.ts';
import { sizeOf } from '../../src/engine/tensor.ts';
import { engineShape, type ParameterSpec, toEngineLayout, type Weights } from '../../src/engine/weights.ts';
import { createRandom, hashSeed } from '../../src/random.ts';

const native = nativeProblem();
/** One after the other: a process works with the engine that it opened last. */
const ENGINES = [
  { name: 'native', skip: native === null ? false : `native engine: ${native}` },
  { name: 'cpu', skip: false },
] as const;

function normals(label: string, length: number): Float32Array {
  const random = createRandom(hashSeed('optimizer', label));
  return Float32Array.from({ length }, () => random.normal());
}

const norm = (values: ArrayLike<number>) => Math.sqrt(Array.from(values).reduce((sum, x) => sum + x * x, 0));

/** Every value within `relative` of the largest one wanted. */
function assertClose(got: ArrayLike<number>, want: ArrayLike<number>, relative: number, label: string): void {
  assert.equal(got.length, want.length, `${label}: number of values`);
  const scale = Array.from(want).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  for (let i = 0; i < want.length; i++) {
    // Written so that NaN fails.
    assert.ok(
      Math.abs(got[i]! - want[i]!) <= relative * scale,
      `${label}[${i}]: ${got[i]} against ${want[i]}`,
    );
  }
}

// AdamW

/** One step of AdamW as the paper writes it, value by value in float64. */
function adamWStep(
  state: { parameters: number[]; m: number[]; v: number[] },
  gradient: ArrayLike<number>,
  learningRate: number,
  t: number,
  { beta1, beta2, eps, weightDecay }: AdamWSettings,
): void {
  for (let i = 0; i < gradient.length; i++) {
    const g = gradient[i]!;
    state.parameters[i]! -= learningRate * weightDecay * state.parameters[i]!;
    state.m[i] = beta1 * state.m[i]! + (1 - beta1) * g;
    state.v[i] = beta2 * state.v[i]! + (1 - beta2) * g * g;
    const mHat = state.m[i]! / (1 - beta1 ** t);
    const vHat = state.v[i]! / (1 - beta2 ** t);
    state.parameters[i]! -= (learningRate * mHat) / (Math.sqrt(vHat) + eps);
  }
}

const SETTINGS: { name: string; settings: AdamWSettings }[] = [
  { name: 'the defaults', settings: ADAMW_DEFAULTS },
  { name: 'no weight decay', settings: { ...ADAMW_DEFAULTS, weightDecay: 0 } },
  { name: 'strong weight decay', settings: { ...ADAMW_DEFAULTS, weightDecay: 2 } },
  // As large as the gradients: shows whether it is added before or after the bias correction.
  { name: 'a large epsilon', settings: { ...ADAMW_DEFAULTS, eps: 1 } },
  { name: 'other betas', settings: { beta1: 0.5, beta2: 0.8, eps: 1e-6, weightDecay: 0.1 } },
];

/** TensorFlow takes 1 - beta2 in float32: 0.001 is off by 1.3e-5 of itself there. */
const TOLERANCE = 3e-5;
const LENGTH = 500;
const STEPS = 20;
const freshState = (label: string): OptimizerState => ({
  // Small, so that rounding of the values does not hide how they move.
  parameters: normals(`${label} parameters`, LENGTH).map((x) => x / 10),
  m: new Float32Array(LENGTH),
  v: new Float32Array(LENGTH),
});
/** Gradients between a hundred thousandth and a hundred, so that each parameter has a size of its own. */
const gradientAt = (step: number) =>
  normals(`gradient ${step}`, LENGTH).map((x, i) => x * 10 ** ((i % 8) - 5));
const learningRateAt = (step: number) => 0.01 * Math.min(1, step / 5);

function runAdamW(engine: Engine, settings: AdamWSettings): OptimizerState {
  const { tf } = engine;
  const adamw = createAdamW(engine, freshState('run'), settings);
  for (let step = 1; step <= STEPS; step++) {
    const gradient = tf.tensor1d(gradientAt(step)) as Tensor;
    adamw.apply(gradient, learningRateAt(step), step);
    gradient.dispose();
  }
  const vector = adamw.vector();
  const state = adamw.state();
  assert.deepEqual([...vector.dataSync()], [...state.parameters]);
  vector.dispose();
  adamw.dispose();
  return state;
}

// The flat vector

/** A small network: every kind of parameter, each once as a weight that the loss depends on. */
const SPECS: ParameterSpec[] = [
  { name: 'conv.weight', shape: [4, 3, 3, 3], kind: 'conv' },
  { name: 'conv.bias', shape: [4], kind: 'vector' },
  { name: 'norm.weight', shape: [4], kind: 'vector' },
  { name: 'norm.bias', shape: [4], kind: 'vector' },
  { name: 'proj.weight', shape: [5, 4], kind: 'linear' },
  { name: 'proj.bias', shape: [5], kind: 'vector' },
  { name: 'tokens.weight', shape: [6, 5], kind: 'embedding' },
];
const initial = (): Record<string, HostTensor> =>
  Object.fromEntries(
    SPECS.map(({ name, shape }) => [name, { shape, dtype: 'float32', data: normals(name, sizeOf(shape)) }]),
  );
const TOTAL = SPECS.reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** mean of (proj(silu(norm(conv(x)))) * a token - target)^2 for the batch of a step; aux: the output. */
function lossAt({ tf, kernels }: Engine, step: number): (weights: Weights) => LossWithAux {
  return (w) => {
    const x = tf.tensor(normals(`x ${step}`, 2 * 5 * 5 * 3), [2, 5, 5, 3]) as Tensor;
    const target = tf.tensor(normals(`target ${step}`, 2 * 5), [2, 5]) as Tensor;
    const features = kernels.groupNormSilu(
      kernels.conv2d(x, w['conv.weight']!, w['conv.bias']!),
      w['norm.weight']!,
      w['norm.bias']!,
      2,
      1e-5,
    );
    const token = tf.gather(w['tokens.weight']!, [step % 6]) as Tensor;
    const out = kernels.linear(features.mean([1, 2]), w['proj.weight']!, w['proj.bias']!).mul(token);
    return { loss: out.sub(target).square().mean() as Tensor, aux: [out.sum([1]), out.max()] };
  };
}

const openFlat = (
  engine: Engine,
  { maxGradNorm, ...settings }: Partial<AdamWSettings> & { maxGradNorm?: number } = {},
) => createFlatParameters(engine, SPECS, initial(), { optimizer: adamW(settings), maxGradNorm });

function steps(engine: Engine, flat: FlatParameters, from: number, to: number) {
  return Array.from({ length: to - from }, (_, i) => flat.step(lossAt(engine, from + i), 0.01));
}

/** Engine-layout parameters, joined in the order of the specs: what the flat vector holds. */
const joined = (host: Record<string, HostTensor>): number[] =>
  SPECS.flatMap((spec) => [...toEngineLayout(host[spec.name]!, spec.kind).data]);

async function tenSteps(prefer: EngineName) {
  const engine = await openEngine({ prefer });
  const flat = openFlat(engine, { maxGradNorm: 0.5, weightDecay: 0.1 });
  const losses = steps(engine, flat, 0, 10).map(({ loss }) => loss);
  const { parameters, m, v } = flat.state();
  flat.dispose();
  return { losses, parameters, m, v };
}

const nativeSteps = native === null ? await tenSteps('native') : null;

test('AdamW, native: disposed optimizers give their memory back (480 MB of them in less than 100 MB)', {
  skip: ENGINES[0].skip,
}, async () => {
  const engine = await openEngine({ prefer: 'native' });
  const vector = new Float32Array(1e6);
  const openAndDispose = () =>
    createAdamW(engine, { parameters: vector, m: vector, v: vector }, ADAMW_DEFAULTS).dispose();
  openAndDispose();
  const before = process.memoryUsage.rss();
  for (let i = 0; i < 40; i++) openAndDispose();
  const grown = (process.memoryUsage.rss() - before) / 1e6;
  assert.ok(grown < 100, `memory grew by ${grown.toFixed(0)} MB`);
});

for (const { name: engineName, skip } of ENGINES) {
  test(`AdamW, ${engineName}: weight decay is for the parameters that are named alone`, {
    skip,
  }, async () => {
    const engine = await openEngine({ prefer: engineName as EngineName });
    const decays = ({ kind }: ParameterSpec) => kind !== 'vector';
    const after = (rule: OptimizerRule) => {
      const optimizer = rule(engine, SPECS, { parameters: normals('decay', TOTAL) });
      const gradient = engine.tf.tensor1d(normals('decay gradient', TOTAL)) as Tensor;
      optimizer.apply(gradient, 0.1, 1);
      const { parameters } = optimizer.state();
      optimizer.dispose();
      gradient.dispose();
      return [...parameters];
    };
    const tensors = engine.tf.memory().numTensors;
    const [all, none] = [after(adamW({ weightDecay: 2 })), after(adamW({ weightDecay: 0 }))];
    const some = after(adamW({ weightDecay: 2 }, decays));
    const each = SPECS.flatMap((spec) => Array<boolean>(sizeOf(spec.shape)).fill(decays(spec)));
    const want = each.map((decayed, i) => (decayed ? all : none)[i]!);
    assertClose(some, want, 1e-6, 'parameters');
    assert.equal(engine.tf.memory().numTensors, tensors);
  });

  for (const { name, settings } of SETTINGS) {
    test(`AdamW, ${engineName}, ${name}: ${STEPS} steps equal float64 (3e-5 of the way moved, and of the moments)`, {
      skip,
    }, async () => {
      const got = runAdamW(await openEngine({ prefer: engineName }), settings);
      const start = freshState('run');
      const want = { parameters: [...start.parameters], m: [...start.m], v: [...start.v] };
      for (let step = 1; step <= STEPS; step++)
        adamWStep(want, gradientAt(step), learningRateAt(step), step, settings);
      const moved = (after: ArrayLike<number>) => start.parameters.map((before, i) => after[i]! - before);
      assertClose(moved(got.parameters), moved(want.parameters), TOLERANCE, 'way moved');
      for (let i = 0; i < LENGTH; i++) {
        // The first moment may cancel; it is measured against what the second says of its size.
        assert.ok(Math.abs(got.m[i]! - want.m[i]!) <= TOLERANCE * Math.sqrt(want.v[i]!), `m[${i}]`);
        assert.ok(Math.abs(got.v[i]! - want.v[i]!) <= TOLERANCE * want.v[i]!, `v[${i}]`);
      }
    });
  }

  test(`AdamW, ${engineName}: neither steps nor dispose leave a tensor, and a disposed one is gone`, {
    skip,
  }, async () => {
    const engine = await openEngine({ prefer: engineName });
    runAdamW(engine, ADAMW_DEFAULTS);
    const before = engine.tf.memory().numTensors;
    runAdamW(engine, ADAMW_DEFAULTS);
    assert.equal(engine.tf.memory().numTensors, before);
    const adamw = createAdamW(engine, freshState('gone'), ADAMW_DEFAULTS);
    const held = engine.tf.memory().numTensors;
    const gradient = engine.tf.ones([LENGTH]) as Tensor;
    for (let step = 1; step <= 5; step++) {
      adamw.apply(gradient, 0.1, step);
      adamw.state();
      assert.equal(engine.tf.memory().numTensors, held + 1, `after step ${step}`);
    }
    gradient.dispose();
    adamw.dispose();
    assert.equal(engine.tf.memory().numTensors, before);
    assert.throws(() => adamw.vector());
  });

  test(`AdamW, ${engineName}: two optimizers in one process keep apart`, { skip }, async () => {
    const engine = await openEngine({ prefer: engineName });
    const [one, two] = [0, 1].map((i) => createAdamW(engine, freshState(`twin ${i}`), ADAMW_DEFAULTS));
    const untouched = two!.state();
    const gradient = engine.tf.ones([LENGTH]) as Tensor;
    one!.apply(gradient, 0.1, 1);
    assert.deepEqual(two!.state(), untouched);
    assert.deepEqual(untouched, freshState('twin 1'));
    one!.dispose();
    assert.deepEqual(two!.state(), untouched);
    two!.dispose();
    gradient.dispose();
  });

  test(`flat vector, ${engineName}: gradient, norm, loss and aux equal those of separate weights and plain kernels (1e-5)`, {
    skip,
  }, async () => {
    const engine = await openEngine({ prefer: engineName });
    // With beta1 0 the first moment is the gradient itself.
    const flat = openFlat(engine, { beta1: 0 });
    const result = flat.step(lossAt(engine, 3), 0);
    const { m, parameters } = flat.state();
    assert.deepEqual([...parameters], joined(initial()), 'a rate of 0 moves nothing');

    const reference = await openEngine({ prefer: engineName, fast: false });
    const { tf } = reference;
    const want = tf.tidy(() => {
      const loss = lossAt(reference, 3);
      const named = (parts: Tensor[]) => Object.fromEntries(SPECS.map(({ name }, i) => [name, parts[i]!]));
      const weights = SPECS.map((spec) => {
        const { data, shape } = toEngineLayout(initial()[spec.name]!, spec.kind);
        return tf.tensor(data, shape, 'float32') as Tensor;
      });
      const grads = tf.grads((...parts: Tensor[]) => loss(named(parts)).loss)(weights);
      const { loss: value, aux } = loss(named(weights));
      return {
        loss: value.dataSync()[0]!,
        aux: aux!.map((part) => [...part.dataSync()]),
        grads: grads.map((grad) => [...grad.dataSync()]),
      };
    });
    let offset = 0;
    for (const [i, { name }] of SPECS.entries()) {
      const own = m.subarray(offset, offset + want.grads[i]!.length);
      assertClose(own, want.grads[i]!, 1e-5, name);
      assert.ok(norm(own) > 1e-3, `the loss depends on ${name}`);
      offset += own.length;
    }
    assert.equal(offset, TOTAL);
    assertClose([result.gradNorm], [norm(want.grads.flat())], 1e-5, 'norm');
    assertClose([result.loss], [want.loss], 1e-5, 'loss');
    assert.equal(result.updateNorm, 0, 'a rate of 0 is no update');
    const moved = flat.step(lossAt(engine, 4), 0.01).updateNorm;
    const change = flat.state().parameters.map((p, i) => p - parameters[i]!);
    assertClose([moved], [norm(change)], 1e-5, 'norm of the update');
    assert.deepEqual(
      result.aux.map(({ length }) => length),
      [2, 1],
    );
    assertClose(
      result.aux.flatMap((part) => [...part]),
      want.aux.flat(),
      1e-5,
      'aux',
    );
    flat.dispose();
  });

  test(`flat vector, ${engineName}: a gradient longer than the limit is scaled to it, a shorter one left alone (1e-6)`, {
    skip,
  }, async () => {
    const engine = await openEngine({ prefer: engineName });
    const { tf } = engine;
    const gradient = normals('clip', TOTAL);
    const length = norm(gradient);
    for (const maxGradNorm of [length / 1000, length * 0.999, length * 1.001, Number.POSITIVE_INFINITY]) {
      const flat = openFlat(engine, { beta1: 0, weightDecay: 0, maxGradNorm });
      const { gradNorm } = flat.step((weights) => {
        let at = 0;
        const parts = SPECS.map((spec) => {
          const shape = engineShape(spec);
          const part = gradient.subarray(at, at + sizeOf(shape));
          at += part.length;
          return weights[spec.name]!.mul(tf.tensor(part, shape, 'float32')).sum();
        });
        return { loss: parts.reduce((sum, part) => sum.add(part)) };
      }, 0);
      assertClose([gradNorm], [length], 1e-6, 'the norm told is that before clipping');
      const factor = Math.min(1, maxGradNorm / (length + 1e-6));
      const { m } = flat.state();
      assertClose(
        m,
        gradient.map((g) => g * factor),
        1e-6,
        `limit ${maxGradNorm}`,
      );
      if (factor === 1) assert.deepEqual([...m], [...gradient]);
      else assertClose([norm(m)], [maxGradNorm], 1e-6, 'length after clipping');
      flat.dispose();
    }
  });

  test(`flat vector, ${engineName}: a run restored from its state goes on with the same bits`, {
    skip,
  }, async () => {
    const engine = await openEngine({ prefer: engineName });
    const settings = { optimizer: adamW({ weightDecay: 0.1 }), maxGradNorm: 0.5 };
    const flat = createFlatParameters(engine, SPECS, initial(), settings);
    steps(engine, flat, 0, 4);
    const state = flat.state();
    const kept = structuredClone(state);
    assert.equal(state.step, 4);
    const straight = steps(engine, flat, 4, 8);
    assert.deepEqual(state, kept, 'a state does not change with the steps after it');

    const restored = createFlatParameters(engine, SPECS, state, settings);
    assert.deepEqual(restored.state(), kept);
    assert.deepEqual(steps(engine, restored, 4, 8), straight);
    assert.deepEqual(restored.state(), flat.state());
    assert.equal(restored.state().step, 8);
    assert.deepEqual(state, kept, 'nor with those of the run restored from it');

    // What the state is for: without moments and step the run goes elsewhere.
    const forgetful = createFlatParameters(engine, SPECS, flat.toHost(), settings);
    assert.notDeepEqual(steps(engine, forgetful, 8, 10), steps(engine, flat, 8, 10));
    for (const one of [flat, restored, forgetful]) one.dispose();
  });

  test(`flat vector, ${engineName}: named views and host tensors hold the same values, each in its layout`, {
    skip,
  }, async () => {
    const engine = await openEngine({ prefer: engineName });
    const flat = openFlat(engine);
    assert.deepEqual(flat.toHost(), initial());
    steps(engine, flat, 0, 2);
    const host = flat.toHost();
    assert.notDeepEqual(host, initial());
    assert.deepEqual([...flat.state().parameters], joined(host));
    const weights = flat.weights();
    for (const spec of SPECS) {
      const { shape, data } = host[spec.name]!;
      assert.deepEqual(shape, spec.shape);
      const view = weights[spec.name]!;
      assert.deepEqual(view.shape, engineShape(spec));
      // torch's order out of the engine's by transposing on the device.
      const order = { linear: [1, 0], conv: [3, 2, 0, 1], embedding: [0, 1], vector: [0] }[spec.kind];
      assert.deepEqual([...engine.tf.tidy(() => view.transpose(order).dataSync())], [...data], spec.name);
    }
    engine.tf.dispose(Object.values(weights));
    flat.dispose();
  });

  test(`flat vector, ${engineName}: no tensor is left by steps, views or dispose`, {
    skip,
  }, async () => {
    const engine = await openEngine({ prefer: engineName });
    const { tf } = engine;
    const warm = openFlat(engine, { maxGradNorm: 0.1 });
    steps(engine, warm, 0, 2);
    warm.dispose();
    const before = tf.memory().numTensors;
    const flat = openFlat(engine, { maxGradNorm: 0.1 });
    const held = tf.memory().numTensors;
    for (let step = 0; step < 5; step++) {
      steps(engine, flat, step, step + 1);
      tf.dispose(Object.values(flat.weights()));
      flat.toHost();
      flat.state();
      assert.equal(tf.memory().numTensors, held, `after step ${step}`);
    }
    flat.dispose();
    assert.equal(tf.memory().numTensors, before);
    assert.throws(() => flat.weights());
  });

  test(`flat vector, ${engineName}: a loss that throws changes nothing, and the next step is what it would have been`, {
    skip,
  }, async () => {
    const engine = await openEngine({ prefer: engineName });
    const [flat, undisturbed] = [openFlat(engine), openFlat(engine)];
    const failing = (weights: Weights): LossWithAux => {
      lossAt(engine, 0)(weights);
      throw new Error('no loss today');
    };
    assert.throws(() => flat.step(failing, 0.01), /no loss today/);
    assert.deepEqual(flat.state(), undisturbed.state());
    assert.deepEqual(steps(engine, flat, 0, 2), steps(engine, undisturbed, 0, 2));
    assert.deepEqual(flat.state(), undisturbed.state());
    flat.dispose();
    undisturbed.dispose();
  });
}

test('flat vector: native and cpu agree over ten steps (1e-4 of the largest)', {
  skip: ENGINES[0].skip,
}, async () => {
  const cpu = await tenSteps('cpu');
  for (const part of ['losses', 'parameters', 'm', 'v'] as const)
    assertClose(nativeSteps![part], cpu[part], 1e-4, part);
  assert.equal(new Set(cpu.losses).size, 10);
});

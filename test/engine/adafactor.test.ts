/** Adafactor against plain float64 arithmetic (test/components/optimizers.ts has the recorded steps). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADAFACTOR_DEFAULTS, type AdafactorSettings, adafactor } from '../../src/engine/adafactor.ts';
import { adamW } from '../../src/engine/adamw.ts';
import { type Engine, nativeProblem, openEngine, type Tensor } from '../../src/engine/engine.ts';
import { createFlatParameters } from '../../src/engine/flat-parameters.ts';
import type { Optimizer, OptimizerStart } from '../../src/engine/optimizer.ts';
import type { HostTensor } from '../../src/engine/safetensors.ts';
import { sizeOf } from '../../src/engine/tensor.ts';
import { type ParameterSpec, toEngineLayout } from '../../src/engine/weights.ts';
import { createRandom, hashSeed } from '../../src/random.ts';

const problem = nativeProblem();
/** One after the other: a process works with the engine that it opened last. */
const ENGINES = [
  { name: 'native', skip: problem === null ? false : `native engine: ${problem}` },
  { name: 'cpu', skip: false },
] as const;

const SPECS: ParameterSpec[] = [
  { name: 'linear', shape: [3, 5], kind: 'linear' },
  { name: 'conv', shape: [2, 3, 3, 4], kind: 'conv' },
  { name: 'scalar', shape: [], kind: 'vector' },
  { name: 'vector', shape: [6], kind: 'vector' },
  { name: 'positions', shape: [1, 4, 3], kind: 'embedding' },
];
const STEPS = 8;
const rate = (t: number) => 0.01 * t;

function normals(label: string, { shape }: ParameterSpec, scale: number): number[] {
  const random = createRandom(hashSeed('adafactor', label));
  return Array.from({ length: sizeOf(shape) }, () => Math.fround(scale * random.normal()));
}
/** Parameters of several sizes, and gradients that are zero now and then. */
const initial = (spec: ParameterSpec, i: number) => normals(spec.name, spec, 10 ** (i - 3));
const gradientAt = (spec: ParameterSpec, t: number) =>
  t === 3 ? normals('', spec, 0) : normals(`${spec.name} ${t}`, spec, 10 ** ((t % 4) - 2));

/** The parameters of all specs in engine layout, from values in torch's order. */
function joined(of: (spec: ParameterSpec, i: number) => ArrayLike<number>): Float32Array {
  const parts = SPECS.map((spec, i) => {
    const host: HostTensor = { shape: spec.shape, dtype: 'float32', data: Float32Array.from(of(spec, i)) };
    return [...toEngineLayout(host, spec.kind).data];
  });
  return Float32Array.from(parts.flat());
}

const rms = (x: readonly number[]) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length);

/** The paper's update in float64 and torch's order of axes: all parameters after STEPS steps. */
function reference(spec: ParameterSpec, i: number, settings: AdafactorSettings): number[] {
  const { shape } = spec;
  const matrix = shape.length >= 2;
  const columns = matrix ? shape.at(-1)! : 1;
  const rows = matrix ? shape.at(-2)! : 1;
  let p = initial(spec, i);
  const rowMeans = new Map<number, number>();
  const columnMeans = new Map<number, number>();
  const full = p.map(() => 0);
  for (let t = 1; t <= STEPS; t++) {
    const beta2 = 1 - t ** settings.decayRate;
    const g = gradientAt(spec, t);
    const u = g.map((x) => x * x + settings.eps1);
    const [newRows, newColumns] = [new Map<number, number>(), new Map<number, number>()];
    const place = (at: number) => {
      const block = Math.floor(at / (rows * columns));
      return { row: Math.floor(at / columns), column: block * columns + (at % columns), block };
    };
    const add = (map: Map<number, number>, key: number, x: number) => map.set(key, (map.get(key) ?? 0) + x);
    for (const [at, x] of u.entries()) {
      add(newRows, place(at).row, x / columns);
      add(newColumns, place(at).column, x / rows);
      full[at] = beta2 * full[at]! + (1 - beta2) * x;
    }
    for (const [now, kept] of [
      [newRows, rowMeans],
      [newColumns, columnMeans],
    ] as const)
      for (const [key, x] of now) kept.set(key, beta2 * (kept.get(key) ?? 0) + (1 - beta2) * x);
    const v = full.map((plain, at) => {
      if (!matrix) return plain;
      const { row, column, block } = place(at);
      const ofBlock = Array.from({ length: rows }, (_, r) => rowMeans.get(block * rows + r)!);
      return (rowMeans.get(row)! * columnMeans.get(column)!) / (ofBlock.reduce((a, b) => a + b) / rows);
    });
    const direction = g.map((x, at) => x / Math.sqrt(v[at]!));
    const clip = Math.max(1, rms(direction) / settings.clipThreshold);
    const relative = Math.min(settings.warmupInit ? 1e-6 * t : 1e-2, 1 / Math.sqrt(t));
    const scale = settings.scaleParameter ? Math.max(settings.eps2, rms(p)) : 1;
    const step = scale * (settings.relativeStep ? relative : rate(t));
    p = p.map((x, at) => x - step * settings.weightDecay * x - (step * direction[at]!) / clip);
  }
  return p;
}

function run(optimizer: Optimizer, { tf }: Engine, from = 1, to = STEPS): void {
  for (let t = from; t <= to; t++) {
    const gradient = tf.tensor1d(joined((spec) => gradientAt(spec, t))) as Tensor;
    optimizer.apply(gradient, rate(t), t);
    gradient.dispose();
  }
}

const start = (): OptimizerStart => ({ parameters: joined(initial) });

const SETTINGS: [name: string, settings: Partial<AdafactorSettings>][] = [
  ['the defaults', {}],
  [
    'clipped harder, other decay, strong weight decay',
    { clipThreshold: 0.3, decayRate: -0.5, weightDecay: 2 },
  ],
  ['scaled by the parameter', { scaleParameter: true, eps2: 0.05 }],
  ['relative steps', { relativeStep: true, scaleParameter: true }],
  ['relative steps that warm up', { relativeStep: true, warmupInit: true }],
];

for (const { name: engineName, skip } of ENGINES) {
  for (const [name, settings] of SETTINGS) {
    test(`Adafactor, ${engineName}, ${name}: ${STEPS} steps equal float64 (1e-5 of the parameter's size)`, {
      skip,
    }, async () => {
      const engine = await openEngine({ prefer: engineName });
      const optimizer = adafactor(settings)(engine, SPECS, start());
      run(optimizer, engine);
      const { parameters, m } = optimizer.state();
      const wanted = SPECS.map((spec, i) => reference(spec, i, { ...ADAFACTOR_DEFAULTS, ...settings }));
      const [want, size] = [
        joined((_, i) => wanted[i]!),
        joined((_, i) => wanted[i]!.map(() => rms(wanted[i]!))),
      ];
      for (const [at, got] of parameters.entries())
        assert.ok(Math.abs(got - want[at]!) <= 1e-5 * size[at]!, `[${at}]: ${got} against ${want[at]}`);
      assert.equal(m.length, 0);
      optimizer.dispose();
    });
  }

  test(`Adafactor, ${engineName}: goes on from its state with the same bits and leaves no tensors`, {
    skip,
  }, async () => {
    const engine = await openEngine({ prefer: engineName });
    const rule = adafactor({ scaleParameter: true });
    const warm = rule(engine, SPECS, start());
    run(warm, engine);
    warm.dispose();
    const before = engine.tf.memory().numTensors;
    const straight = rule(engine, SPECS, start());
    run(straight, engine, 1, 4);
    const state = straight.state();
    const kept = structuredClone(state);
    run(straight, engine, 5);
    assert.deepEqual(state, kept, 'a state does not change with the steps after it');
    const resumed = rule(engine, SPECS, state);
    run(resumed, engine, 5);
    assert.deepEqual(resumed.state(), straight.state());
    for (const one of [straight, resumed]) one.dispose();
    assert.equal(engine.tf.memory().numTensors, before);
  });

  test(`Adafactor, ${engineName}: a state of AdamW is refused, and the other way round`, {
    skip,
  }, async () => {
    const engine = await openEngine({ prefer: engineName });
    const specs: ParameterSpec[] = [{ name: 'w', shape: [4, 5], kind: 'linear' }];
    const values: HostTensor = { shape: [4, 5], dtype: 'float32', data: new Float32Array(20) };
    const [adam, factored] = [adamW(), adafactor()].map((optimizer) => {
      const flat = createFlatParameters(engine, specs, { w: values }, { optimizer });
      const state = flat.state();
      flat.dispose();
      return state;
    });
    assert.equal(factored!.v.length, 4 + 5);
    const open = (state: typeof adam, optimizer = adamW()) =>
      createFlatParameters(engine, specs, state!, { optimizer });
    const code = 'DIPTYCH_INVALID_INPUT';
    assert.throws(() => open(adam, adafactor()), { code, message: /"m" holds 20 values instead of 0/ });
    assert.throws(() => open(factored), { code, message: /"m" holds 0 values instead of 20/ });
  });
}

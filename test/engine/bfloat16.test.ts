import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bfloat16Problem,
  nativeProblem,
  openEngine,
  type Tensor,
  withBfloat16,
} from '../../src/engine/engine.ts';
import { traced } from '../../src/engine/traced.ts';
import { withoutBfloat16 } from '../bfloat16.ts';
import { assertClose, CASES, evaluate, normals } from './kernel-cases.ts';

const skip = await withoutBfloat16();

test('products are those of the rounded inputs, rounded', { skip }, async () => {
  const { tf, kernels } = withBfloat16(await openEngine({ prefer: 'native' }));
  const [rows, inner, columns] = [9, 70, 5];
  const [x, w] = [normals('bfloat16 x', rows * inner), normals('bfloat16 w', inner * columns)];
  const got = tf.tidy(() =>
    kernels
      .linear(tf.tensor2d(x, [rows, inner]) as Tensor, tf.tensor2d(w, [inner, columns]) as Tensor)
      .dataSync(),
  );
  for (const [k, value] of got.entries()) {
    const [i, j] = [Math.floor(k / columns), k % columns];
    let want = 0;
    for (let n = 0; n < inner; n++) want += rounded(x[i * inner + n]!) * rounded(w[n * columns + j]!);
    // The sum is in float32, so what lies halfway may round either way: one unit in the last place.
    assert.ok(
      Math.abs(value - rounded(want)) <= 2 ** -7 * Math.abs(want),
      `[${i}, ${j}]: ${value} against ${want}`,
    );
    assert.equal(value, rounded(value), 'the result has no more digits than bfloat16');
  }
});

for (const one of CASES) {
  test(`${one.name}: bfloat16 is near float32, values and gradients (2e-2)`, { skip }, async () => {
    const float32 = await openEngine({ prefer: 'native' });
    assertClose(evaluate(withBfloat16(float32), one), evaluate(float32, one), 2e-2, one.name);
  });
}

test('nothing narrow stays in memory', { skip }, async () => {
  const engine = withBfloat16(await openEngine({ prefer: 'native' }));
  const backend = engine.tf.backend() as unknown as { getNumOfTFTensors(): number };
  const all = () => {
    for (const one of CASES) evaluate(engine, one);
    return backend.getNumOfTFTensors();
  };
  const before = all();
  assert.equal(all(), before);
});

test('a traced function computes in bfloat16 as one that is not (1e-2)', { skip }, async () => {
  const engine = withBfloat16(await openEngine({ prefer: 'native' }));
  const { tf, kernels } = engine;
  const f = ({ x, w, b }: { x: Tensor; w: Tensor; b: Tensor }) => kernels.conv2d(kernels.silu(x), w, b);
  const shapes = { x: [2, 8, 8, 4], w: [3, 3, 4, 6], b: [6] };
  const given = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      tf.tensor(
        normals(
          `traced ${name}`,
          shape.reduce((n, d) => n * d, 1),
        ),
        shape,
      ),
    ]),
  ) as { x: Tensor; w: Tensor; b: Tensor };
  const values = (of: typeof f) => [Float32Array.from(of(given).dataSync())];
  assertClose(values(traced(engine, f)), values(f), 1e-2, 'traced');
  tf.dispose(given);
});

test('an engine without bfloat16 is refused, and why', async () => {
  const cpu = await openEngine({ prefer: nativeProblem() === null ? 'cpu' : 'wasm' });
  assert.throws(() => withBfloat16(cpu), {
    code: 'DIPTYCH_INVALID_INPUT',
    message: new RegExp(`train.precision is "bfloat16", but the ${cpu.name} engine has only float32`),
  });
  assert.match(bfloat16Problem(cpu)!, /only float32/);
});

/** To the nearest bfloat16, ties to even. */
function rounded(x: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, x);
  const bits = view.getUint32(0);
  view.setUint32(0, ((bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000) >>> 0);
  return view.getFloat32(0);
}

/** Which engine a process gets, what it says about it, and that the slower one computes the same. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { guidedPredictor } from '../../src/diffusion/predictor.ts';
import { sample } from '../../src/diffusion/sample.ts';
import { parseSchedule } from '../../src/diffusion/schedule.ts';
import { type EngineName, nativeProblem, openEngine, type Tensor } from '../../src/engine/engine.ts';
import { loadDiffusionModel } from '../../src/models/folders/model-folder.ts';
import { textPrompt } from '../../src/models/inputs/prompt.ts';
import { disposeCondition, encodeEmpty, encodePrompts } from '../../src/models/inputs/text-condition.ts';
import { createRandom } from '../../src/random.ts';
import { runNode, UNLOADABLE_BINDING, WITHOUT_NATIVE } from './child.ts';

const ENGINE = path.resolve(import.meta.dirname, '../../src/engine/engine.ts');
const MODEL = path.resolve(import.meta.dirname, '../../models/sample/diffusion');
const native = nativeProblem();
const skip = native === null ? false : `native engine: ${native}`;

const random = createRandom(3);
const [ROWS, INNER, COLUMNS] = [7, 5, 3];
const [LEFT, RIGHT] = [ROWS * INNER, INNER * COLUMNS].map((n) =>
  Array.from({ length: n }, () => random.normal()),
) as [number[], number[]];

/** Opens an engine in a process of its own and multiplies two matrices on it. */
async function choose(options: {
  engine?: string;
  preload?: string;
  prefer?: EngineName;
}): Promise<{ name: string; product: number[]; code: string; message: string; stderr: string }> {
  const program = `import { openEngine } from ${JSON.stringify(ENGINE)};
    try {
      const { tf, name } = await openEngine(${JSON.stringify({ prefer: options.prefer })});
      const left = tf.tensor2d(${JSON.stringify(LEFT)}, [${ROWS}, ${INNER}]);
      const right = tf.tensor2d(${JSON.stringify(RIGHT)}, [${INNER}, ${COLUMNS}]);
      console.log(JSON.stringify({ name, product: [...tf.matMul(left, right).dataSync()] }));
    } catch ({ code, message }) {
      console.log(JSON.stringify({ code, message }));
    }`;
  const { code, stdout, stderr } = await runNode(['--input-type=module', '-e', program], {
    env: { DIPTYCH_ENGINE: options.engine },
    preload: options.preload,
  });
  assert.equal(code, 0, stderr);
  return { ...JSON.parse(stdout), stderr };
}

/** Within 1e-5 of the same sums in float64. */
function assertProduct(got: number[]): void {
  assert.equal(got.length, ROWS * COLUMNS);
  for (let i = 0; i < got.length; i++) {
    const [row, column] = [Math.floor(i / COLUMNS), i % COLUMNS];
    let want = 0;
    for (let k = 0; k < INNER; k++) want += LEFT[row * INNER + k]! * RIGHT[k * COLUMNS + column]!;
    assert.ok(Math.abs(got[i]! - want) <= 1e-5, `element ${i}: ${got[i]} against ${want}`);
  }
}

test('an unknown DIPTYCH_ENGINE is refused, quoted, with what it can be', async () => {
  for (const value of ['nonsense', 'Native', ' wasm']) {
    const { code, message, stderr } = await choose({ engine: value });
    assert.equal(code, 'DIPTYCH_ENGINE_UNAVAILABLE');
    assert.equal(message, `DIPTYCH_ENGINE is "${value}"; it can be native, wasm, cpu`);
    assert.equal(stderr, '');
  }
});

test('without native TensorFlow WASM is used, and one line says why and what it costs (matmul 1e-5)', async () => {
  for (const engine of [undefined, '']) {
    const { name, product, stderr } = await choose({ engine, preload: WITHOUT_NATIVE });
    assert.equal(name, 'wasm');
    assertProduct(product);
    assert.equal(
      stderr,
      'engine: native TensorFlow is not available (the native package was taken away); ' +
        'using WASM, about 5 times slower. Run `npm run diptych doctor` to see how to get it.\n',
    );
  }
});

test('where the compiled binding cannot be loaded, the line names the missing library (matmul 1e-5)', {
  skip,
}, async () => {
  const { name, product, stderr } = await choose({ preload: UNLOADABLE_BINDING });
  assert.equal(name, 'wasm');
  assertProduct(product);
  assert.match(
    stderr,
    /^engine: native TensorFlow is not available \(libtensorflow_cc\.so\.2: [^\n]*file\); using WASM, [^\n]*\n$/,
  );
});

test('native asked for by name, and not there, is an error with the reason, never WASM', async () => {
  for (const asked of [
    { engine: 'native' },
    { prefer: 'native' },
    { engine: 'wasm', prefer: 'native' },
  ] as const) {
    const { code, message, stderr } = await choose({ ...asked, preload: WITHOUT_NATIVE });
    assert.equal(code, 'DIPTYCH_ENGINE_UNAVAILABLE');
    assert.equal(message, "the native engine can't be loaded: the native package was taken away");
    assert.equal(stderr, '');
  }
});

test('WASM asked for by name is used without a word, and a caller overrides the environment (matmul 1e-5)', async () => {
  for (const asked of [{ engine: 'wasm' }, { engine: 'nonsense', prefer: 'wasm' }] as const) {
    const { name, product, stderr } = await choose(asked);
    assert.equal(name, 'wasm');
    assertProduct(product);
    assert.equal(stderr, '');
  }
});

test('native is chosen where it loads, asked for or not (matmul 1e-5)', { skip }, async () => {
  for (const engine of [undefined, 'native']) {
    const { name, product, stderr } = await choose({ engine });
    assert.equal(name, 'native');
    assertProduct(product);
    assert.doesNotMatch(stderr, /^engine: /m);
  }
});

/** What the sample model predicts half way, and the image of two steps from the same noise. */
async function drawn(prefer: EngineName): Promise<{ predicted: Float32Array; image: Float32Array }> {
  const engine = await openEngine({ prefer });
  const { tf } = engine;
  const model = await loadDiffusionModel(engine, MODEL);
  const prompt = encodePrompts(engine, model, [textPrompt('red circle left of blue square')]);
  const empty = encodeEmpty(engine, model);
  const { config, weights } = model.unet;
  const predict = guidedPredictor(engine, config, weights, { prompt, empty }, 3);
  const noise = createRandom(8);
  const values = Float32Array.from({ length: 32 * 32 * 3 }, () => noise.normal());
  const x = tf.tensor(values, [1, 32, 32, 3], 'float32') as Tensor;
  const predicted = tf.tidy(() => Float32Array.from(predict(x, 501).dataSync()));
  const pixels = sample(engine, parseSchedule(model.scheduler), predict, x, 2);
  const image = Float32Array.from(pixels.dataSync());
  for (const condition of [prompt, empty]) disposeCondition(condition);
  tf.dispose([x, pixels]);
  model.dispose();
  return { predicted, image };
}

test('the sample model predicts and draws on WASM what it does on native (1e-4)', { skip }, async () => {
  const want = await drawn('native');
  const got = await drawn('wasm');
  for (const part of ['predicted', 'image'] as const) {
    assert.equal(got[part].length, 32 * 32 * 3);
    const largest = want[part].reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    assert.ok(largest > 0.9, `${part}: ${largest}`);
    const off = want[part].reduce((most, x, i) => Math.max(most, Math.abs(got[part][i]! - x)), 0);
    assert.ok(off <= 1e-4, `${part}: off by ${off}`);
    assert.ok(got[part].every(Number.isFinite));
  }
});

/** Training a LoRA: what moves and what does not, what its files hold, and gradient checkpointing beside it. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import { openEngine } from '../../src/engine/engine.ts';
import { readTensors } from '../../src/engine/safetensors.ts';
import { disposeWeights, toHost } from '../../src/engine/weights.ts';
import { loadLora } from '../../src/models/folders/lora-files.ts';
import { withLora } from '../../src/models/unet/lora.ts';
import { DEFAULT_LORA, type TrainSettings } from '../../src/training/settings.ts';
import { trainPairs } from '../../src/training/train.ts';
import { temporaryFolder } from '../temporary.ts';
import { telemetryOf, tinyModel, tinyPairs, tinyRun, tunedWeights } from './tiny.ts';

const engine = await openEngine();
const model = await tinyModel(engine, await temporaryFolder({ after }));
const { specs, weights: base } = model.unet;
const baseBytes = await tunedWeights(model.folder, '.');
const LORA = { ...DEFAULT_LORA, rank: 2 };

async function trained(
  t: { after(clean: () => Promise<void>): void },
  settings: Partial<TrainSettings>,
  pairs?: ReturnType<typeof tinyPairs>,
) {
  const folder = await temporaryFolder(t);
  const run = tinyRun(engine, model, folder, { beta: 20, ...settings });
  const { lora } = await trainPairs(pairs ? { ...run, pairs } : run);
  const file = path.join(folder, 'model', 'unet', 'diffusion_pytorch_model.safetensors');
  return { folder, lora, weights: await readTensors(file), telemetry: await telemetryOf(folder) };
}

/** Names of the weights that are no longer the base's, bit for bit. */
function moved(weights: Awaited<ReturnType<typeof trained>>['weights']): string[] {
  const before = toHost(base, specs);
  return Object.keys(before).filter(
    (name) => !Buffer.from(before[name]!.data.buffer).equals(Buffer.from(weights[name]!.data.buffer)),
  );
}

test('the attention layers move and nothing else; with convolutions every convolution too', async (t) => {
  const attention = /\.(to_q|to_k|to_v|to_out\.0)\.weight$/;
  const plain = moved((await trained(t, { lora: LORA })).weights);
  const all = moved((await trained(t, { lora: { ...LORA, convolutions: true } })).weights);
  const named = (test: (spec: (typeof specs)[0]) => boolean) => specs.filter(test).map(({ name }) => name);
  assert.deepEqual(
    plain,
    named(({ name }) => attention.test(name)),
  );
  assert.deepEqual(
    all,
    named(({ name, kind }) => attention.test(name) || (kind === 'conv' && /weight$/.test(name))),
  );
  assert.ok(plain.length === 8 && all.length > 20);
});

test('the file, merged into the base again, is the tuned model bit for bit; alpha is the rank or as told', async (t) => {
  for (const [alpha, want] of [
    [undefined, 2],
    [7, 7],
  ]) {
    const { lora, weights } = await trained(t, { lora: { ...LORA, convolutions: true, alpha } });
    const { config, weights: parts } = await loadLora(engine, lora!, specs);
    assert.deepEqual([config.rank, config.alpha], [2, want]);
    const merged = withLora(engine, config, base, parts);
    assert.deepEqual(toHost(merged, specs), weights);
    disposeWeights(parts);
    for (const { name } of config.targets) merged[name]!.dispose();
  }
});

test('the first step sees the reference itself: loss ln 2 (1e-7), no error, a gradient; then it moves', async (t) => {
  const [first, second] = (await trained(t, { lora: LORA })).telemetry;
  assert.ok(Math.abs(first!.loss - Math.LN2) <= 1e-7);
  assert.deepEqual([first!.winnerError, first!.loserError, first!.accuracy], [0, 0, 0.5]);
  assert.ok(first!.gradNorm > 1e-3 && second!.winnerError !== 0);
});

test('the published form has a gradient of zero, and not even weight decay moves the model', async (t) => {
  const settings = { form: 'published', weightDecay: 0.5, learningRate: 0.1, lora: LORA } as const;
  const { folder, telemetry } = await trained(t, settings);
  assert.deepEqual(
    telemetry.map(({ gradNorm }) => gradNorm),
    [0, 0],
  );
  assert.ok((await tunedWeights(folder)).equals(baseBytes));
});

test('another seed trains another LoRA, the same seed the same bits', async (t) => {
  const bytes = async (seed: number) => tunedWeights((await trained(t, { lora: LORA, seed })).folder);
  const first = await bytes(1);
  assert.ok((await bytes(1)).equals(first));
  assert.ok(!(await bytes(2)).equals(first));
});

test('on one pair a LoRA learns the order, accuracy over 0.9 in the last 10 of 40 steps', async (t) => {
  const settings = {
    lora: { ...LORA, convolutions: true },
    steps: 40,
    learningRate: 3e-3,
    beta: 50,
    pairsPerStep: 4,
  };
  const { telemetry } = await trained(t, settings, tinyPairs(1));
  const late = telemetry.slice(-10).map(({ accuracy }) => accuracy);
  assert.ok(late.reduce((sum, x) => sum + x, 0) / late.length > 0.9, `accuracy ${late}`);
});

for (const [name, settings] of Object.entries({
  'all weights': {},
  'a LoRA': { lora: LORA },
  guidance: { guidance: 2 },
})) {
  test(`${name}: gradient checkpointing trains the same model, with the same telemetry (1e-5)`, async (t) => {
    const plain = await trained(t, settings);
    const got = await trained(t, { ...settings, gradientCheckpointing: true });
    for (const [i, want] of plain.telemetry.entries()) {
      const { buckets: _, ...numbers } = want;
      for (const [field, value] of Object.entries(numbers)) {
        // Before the first step policy and reference are equal: which side is ahead is rounding alone.
        if (i === 0 && field === 'accuracy') continue;
        const off = Math.abs(got.telemetry[i]![field as keyof typeof numbers] - value);
        assert.ok(off <= 1e-5 * Math.max(1, Math.abs(value)), `step ${i + 1}, ${field}: off by ${off}`);
      }
    }
    for (const [weight, { data }] of Object.entries(plain.weights)) {
      const off = Math.max(...data.map((x, i) => Math.abs(x - got.weights[weight]!.data[i]!)));
      // A gradient that is rounding alone still makes a whole step of AdamW.
      assert.ok(off <= 1e-4, `${weight}: off by ${off}`);
    }
    assert.ok(moved(got.weights).length > 0);
  });
}

test('a rank that cannot be is refused', async (t) => {
  await assert.rejects(trained(t, { lora: { ...LORA, rank: 0 } }), {
    code: 'DIPTYCH_INVALID_INPUT',
    message: 'LoRA: the rank is 0; it is an integer from 1',
  });
});

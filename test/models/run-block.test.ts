/** Gradient checkpointing on the recorded UNet in the layout of SD1.5: the same numbers, fewer bytes alive at once. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import type { Tensor } from '../../src/engine/tensor.ts';
import { disposeWeights, loadWeights, type Weights } from '../../src/engine/weights.ts';
import { checkpointed, type RunBlock, straight } from '../../src/models/layers/run-block.ts';
import { unetForward } from '../../src/models/unet/unet.ts';
import { parseUNetConfig } from '../../src/models/unet/unet-config.ts';
import { unetParameters } from '../../src/models/unet/unet-parameters.ts';
import { device, engine, readJson, toNhwc } from '../components/tensors.ts';
import { goldenCase } from '../golden.ts';
import { peakBytes } from '../peak-bytes.ts';

const { tf } = engine;
const { folder, input } = await goldenCase('unet-sd15');
const config = parseUNetConfig(readJson(folder, 'model', 'config.json'));
const specs = unetParameters(config);
const base = await loadWeights(
  engine,
  path.join(folder, 'model', 'diffusion_pytorch_model.safetensors'),
  specs,
);
const x = toNhwc(input.sample!);
const [t, states] = [device(input.timestep!), device(input.encoder_hidden_states!)];

/** Loss, gradients by name ("" is x's) and the most bytes of tensors that were alive at once, above those before. */
function backward(names: readonly string[], runBlock: (weights: Weights) => RunBlock) {
  const parts = names.map((name) => base[name]!.clone());
  const { result, bytes } = peakBytes(tf, () =>
    tf.valueAndGrads((x: Tensor, ...parts: Tensor[]) => {
      const weights = { ...base, ...Object.fromEntries(names.map((name, i) => [name, parts[i]!])) };
      // As in a training run, the text states end with the forward pass.
      const own = states.clone();
      return unetForward(engine, config, weights, x, t, { states: own }, runBlock(weights)).square().mean();
    })([x, ...parts]),
  );
  const { value, grads } = result;
  const gradients = new Map(['', ...names].map((name, i) => [name, grads[i]!.dataSync()]));
  const loss = value.dataSync()[0]!;
  tf.dispose([value, ...grads, ...parts]);
  return { loss, gradients, peak: bytes };
}

const direct = (weights: Weights) => straight(tf, weights);
const recomputing = (weights: Weights) => checkpointed(tf, weights, base);

function assertSameNumbers(got: ReturnType<typeof backward>, want: ReturnType<typeof backward>): void {
  assert.equal(got.loss, want.loss);
  assert.ok(want.gradients.size > 1);
  for (const [name, gradient] of want.gradients) {
    const scale = Math.max(...gradient.map(Math.abs));
    assert.ok(scale > 0, `gradient of ${name} is 0`);
    const off = Math.max(...got.gradients.get(name)!.map((g, i) => Math.abs(g - gradient[i]!)));
    assert.ok(
      off <= 1e-5 * scale,
      `gradient of ${name || 'x'} is off by ${off / scale} of its largest value`,
    );
  }
}

test('all gradients are those without (1e-5 of the largest), with less than half the bytes alive', (t) => {
  const names = specs.map(({ name }) => name);
  const [plain, got] = [backward(names, direct), backward(names, recomputing)];
  assertSameNumbers(got, plain);
  t.diagnostic(`peak of live tensors: ${plain.peak} bytes, checkpointed ${got.peak}`);
  assert.ok(got.peak < 0.5 * plain.peak, `${got.peak} against ${plain.peak} bytes`);
});

test('weights that are frozen get no gradient, those beside them in the same block the same as before', () => {
  const names = specs
    .map(({ name }) => name)
    .filter((name) => /to_[qv]\.weight$|resnets\.1\.conv1/.test(name));
  const [plain, got] = [backward(names, direct), backward(names, recomputing)];
  assertSameNumbers(got, plain);
  assert.ok(got.peak < 0.5 * plain.peak, `${got.peak} against ${plain.peak} bytes`);
});

test('nothing is left', () => {
  const names = ['mid_block.resnets.0.conv1.weight'];
  backward(names, recomputing);
  const before = tf.memory().numTensors;
  backward(names, recomputing);
  assert.equal(tf.memory().numTensors, before);
});

after(() => disposeWeights(base));

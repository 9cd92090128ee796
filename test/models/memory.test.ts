/** The memory that is foretold, against what TensorFlow.js counts while UNets of the published shapes run: to a third. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor } from '../../src/engine/tensor.ts';
import { engineShape } from '../../src/engine/weights.ts';
import { backwardBytes, forwardBytes, unetCost } from '../../src/models/folders/cost.ts';
import { unetForward } from '../../src/models/unet/unet.ts';
import { parseUNetConfig } from '../../src/models/unet/unet-config.ts';
import { unetParameters } from '../../src/models/unet/unet-parameters.ts';
import { engine } from '../components/tensors.ts';
import { peakBytes } from '../peak-bytes.ts';
import { PUBLISHED } from './published.ts';

const { tf } = engine;
const TOKENS = 77;
/** The published blocks, narrower. */
const SHAPES = {
  sd15: [{ ...PUBLISHED.sd15, block_out_channels: [32, 64, 128, 128], cross_attention_dim: 64 }, 32],
  sdxl: [
    {
      ...PUBLISHED.sdxl,
      block_out_channels: [64, 128, 256],
      attention_head_dim: [2, 4, 8],
      transformer_layers_per_block: [1, 1, 2],
      cross_attention_dim: 64,
      projection_class_embeddings_input_dim: 6 * 256 + 64,
    },
    32,
  ],
} as const;

for (const [name, [json, side]] of Object.entries(SHAPES)) {
  const config = parseUNetConfig(json);
  const specs = unetParameters(config);
  const cost = unetCost(config, side, TOKENS);
  const weights = Object.fromEntries(
    specs.map((spec) => [spec.name, tf.fill(engineShape(spec), 0.01) as Tensor]),
  );
  const pooled = config.textTime && config.textTime.inputDim - 6 * config.textTime.timeEmbedDim;
  const predict = (rows: number, from: Record<string, Tensor>) =>
    unetForward(engine, config, from, tf.zeros([rows, side, side, 4]), tf.fill([rows], 5), {
      states: tf.zeros([rows, TOKENS, config.crossAttentionDim]),
      added:
        pooled === null ? undefined : { textEmbeds: tf.zeros([rows, pooled]), timeIds: tf.zeros([rows, 6]) },
    });
  /** Of eight rows less that of four: without what does not grow with the batch. */
  const ofFourRows = (peak: (rows: number) => number) => peak(8) - peak(4);
  const assertNear = (foretold: number, counted: number) =>
    assert.ok(Math.abs(foretold / counted - 1) < 1 / 3, `${foretold} bytes are foretold, ${counted} counted`);

  test(`${name}: activations of sampling`, () => {
    const peak = (rows: number) => peakBytes(tf, () => tf.tidy(() => predict(rows, weights)).dispose()).bytes;
    assertNear(forwardBytes(cost, 4), ofFourRows(peak));
  });

  test(`${name}: activations of training`, () => {
    const peak = (rows: number) =>
      peakBytes(tf, () =>
        tf.tidy(() => {
          const loss = (...parts: Tensor[]) =>
            predict(rows, Object.fromEntries(specs.map((spec, i) => [spec.name, parts[i]!])))
              .square()
              .mean();
          tf.valueAndGrads(loss)(specs.map((spec) => weights[spec.name]!));
        }),
      ).bytes;
    assertNear(backwardBytes(cost, 4), ofFourRows(peak));
  });
}

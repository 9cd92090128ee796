/** Decoding in tiles: what a golden case does not hold (test/golden/vae-tiled holds the values). */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import { disposeWeights, loadWeights } from '../../src/engine/weights.ts';
import { vaeDecode } from '../../src/models/vae/vae.ts';
import { parseVaeConfig, vaeParameters } from '../../src/models/vae/vae-parameters.ts';
import { decodeTiled, largestTile } from '../../src/models/vae/vae-tiles.ts';
import { engine, readJson } from '../components/tensors.ts';
import { goldenCase } from '../golden.ts';

const { tf } = engine;
const MODEL = path.join((await goldenCase('vae')).folder, 'model');
const CONFIG = parseVaeConfig(readJson(MODEL, 'config.json'));
const FILE = path.join(MODEL, 'diffusion_pytorch_model.safetensors');
const weights = await loadWeights(engine, FILE, vaeParameters(CONFIG));
after(() => disposeWeights(weights));

test('latents of one tile are decoded as a whole, bit by bit', () => {
  tf.tidy(() => {
    const latents = tf.randomNormal([2, 8, 5, 4], 0, 1, 'float32', 1);
    const [tiled, whole] = [8, 64].map((tile) => decodeTiled(engine, CONFIG, weights, latents, tile));
    const plain = vaeDecode(engine, CONFIG, weights, latents).dataSync();
    assert.deepEqual(tiled!.dataSync(), plain);
    assert.deepEqual(whole!.dataSync(), plain);
  });
});

test('every size keeps its height and width, and nothing stays behind', () => {
  for (const [height, width] of [
    [9, 8],
    [12, 13],
    [16, 3],
  ] as const) {
    const latents = tf.zeros([1, height, width, 4]);
    // Once before counting: kernels keep small constants for the life of the process.
    decodeTiled(engine, CONFIG, weights, latents, 8).dispose();
    const before = tf.memory().numTensors;
    const image = decodeTiled(engine, CONFIG, weights, latents, 8);
    assert.deepEqual(image.shape, [1, 8 * height, 8 * width, 3]);
    assert.equal(tf.memory().numTensors - before, 1);
    tf.dispose([latents, image]);
  }
});

test('the largest tile follows from the widest feature map', () => {
  const published = parseVaeConfig({
    ...readJson(MODEL, 'config.json'),
    block_out_channels: [128, 256, 512, 512],
  });
  // 256 channels at 1024 x 1024 pixels are 1 GiB: images up to there are decoded whole.
  assert.equal(largestTile(published), 128);
  assert.equal(largestTile(published, 2 ** 28), 64);
  assert.equal(largestTile(published, 2 ** 28 - 1), 60);
  assert.equal(largestTile(published, 1), 4);
});

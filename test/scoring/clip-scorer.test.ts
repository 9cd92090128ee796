import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { openEngine } from '../../src/engine/engine.ts';
import type { RgbImage } from '../../src/engine/image.ts';
import type { HostTensor } from '../../src/engine/safetensors.ts';
import { disposeWeights, loadWeights } from '../../src/engine/weights.ts';
import { clipParameters, parseClipConfig } from '../../src/models/clip/clip.ts';
import type { ClipModel } from '../../src/models/folders/model-folder.ts';
import { parseClipPreprocessor } from '../../src/models/preprocess/clip-preprocess.ts';
import { clipScorer } from '../../src/scoring/clip-scorer.ts';
import { goldenCase } from '../golden.ts';

const engine = await openEngine();
const golden = await goldenCase('clip-full');
const MEAN = [0.48, 0.46, 0.41];
const DEVIATION = [0.27, 0.26, 0.28];

/**
 * The images whose pixel values the case records, [B, 3, H, W]. Levels are not rounded to bytes: the case's
 * values are arbitrary numbers, and its tolerance is far below half a level.
 */
function images({ data, shape }: HostTensor): RgbImage[] {
  const [count, channels, height, width] = shape as [number, number, number, number];
  return Array.from({ length: count }, (_, n) => {
    const levels = new Float32Array(height * width * channels);
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < height * width; i++) {
        const value = Number(data[(n * channels + c) * height * width + i]);
        levels[i * channels + c] = (value * DEVIATION[c]! + MEAN[c]!) * 255;
      }
    }
    return { width, height, data: levels as unknown as Uint8Array };
  });
}

async function goldenModel(): Promise<ClipModel> {
  const folder = path.join(golden.folder, 'model');
  const config = parseClipConfig(JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8')));
  const specs = clipParameters(config);
  const weights = await loadWeights(engine, path.join(folder, 'model.safetensors'), specs);
  const { data, shape } = golden.input.input_ids!;
  const length = shape[1]!;
  return {
    folder,
    hash: '0123456789abcdef',
    config,
    specs,
    weights,
    // The case records ids: text number i has row i.
    tokenizer: {
      encode: (text: string) =>
        Array.from(data.subarray(Number(text) * length, (Number(text) + 1) * length), Number),
    } as ClipModel['tokenizer'],
    preprocessor: parseClipPreprocessor({ image_mean: MEAN, image_std: DEVIATION }, config.vision.imageSize),
    dispose: () => disposeWeights(weights),
  };
}

test('cosines and scale are those of the Python original, image i with text i', async (t) => {
  const model = await goldenModel();
  t.after(model.dispose);
  const scorer = clipScorer(engine, 'pick', model);
  assert.equal(scorer.name, 'pick@0123456789ab');
  const pictures = images(golden.input.pixel_values!);
  const texts = golden.input.input_ids!.shape[0]!;
  assert.ok(pictures.length > 1 && texts > 1, 'a case of one image or text proves no order');

  const all = pictures.flatMap((image) =>
    Array.from({ length: texts }, (_, j) => ({ image, text: String(j) })),
  );
  const batch = () =>
    scorer.score(
      all.map(({ image }) => image),
      all.map(({ text }) => text),
    );
  const scores = await batch();
  // The first batch may fill the engine's own caches; after it, a batch leaves no tensor behind.
  const before = engine.tf.memory().numTensors;
  await batch();
  assert.equal(engine.tf.memory().numTensors, before);
  golden.check(
    'cosine',
    scores.map(({ cosine }) => cosine),
  );
  golden.check(
    'logits_per_image',
    scores.map(({ cosine, scale }) => cosine * scale),
  );
});

/** Models with a VAE, SD1.5- and SDXL-shaped: candidates are inverted and trained on as latents. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { parseSchedule } from '../../src/diffusion/schedule.ts';
import { openEngine } from '../../src/engine/engine.ts';
import { floatToHalf, halfToFloat } from '../../src/engine/half.ts';
import { toPixels } from '../../src/engine/image.ts';
import { loadDiffusionModel } from '../../src/models/folders/model-folder.ts';
import { toLatents } from '../../src/models/inputs/latents.ts';
import { invertCandidates } from '../../src/training/pairs/invert-candidates.ts';
import { trainPairs } from '../../src/training/train.ts';
import { goldenCase } from '../golden.ts';
import { temporaryFolder } from '../temporary.ts';
import { TINY_TRAIN, telemetryOf, tinyCandidates, tinyImage, tinyPairs } from './tiny.ts';

const engine = await openEngine();

for (const name of ['generate-sd15', 'generate-sdxl']) {
  const { folder: caseFolder } = await goldenCase(name);
  const base = path.join(caseFolder, 'model');
  const candidates = tinyCandidates(4).map((candidate, i) => ({
    ...candidate,
    load: async () => tinyImage(i, 64),
  }));

  test(`${name}: the first stored state is the image's scaled latent, as halves`, async (t) => {
    const model = await loadDiffusionModel(engine, base);
    const store = await invertCandidates({
      ...{ engine, model, settings: TINY_TRAIN, schedule: parseSchedule(model.scheduler), candidates },
      ...{ folder: await temporaryFolder(t), onProgress() {} },
    });
    assert.deepEqual(store.shape, [8, 8, 4]);
    const stored = await Promise.all([0, 1, 2, 3].map((i) => store.read(i, 0)));
    const images = engine.tf.tensor(toPixels([0, 1, 2, 3].map((i) => tinyImage(i, 64))), [4, 64, 64, 3]);
    const latents = toLatents(engine, model, images as never);
    assert.deepEqual(
      stored.flatMap((state) => [...state]),
      Array.from(latents.dataSync(), (x) => halfToFloat(floatToHalf(x))),
    );
    model.dispose();
  });

  test(`${name}: a trained model is the base folder with another UNet, and guidance other than 1 trains too`, async (t) => {
    for (const guidance of [1, 2]) {
      const folder = await temporaryFolder(t);
      const model = await loadDiffusionModel(engine, base);
      const result = await trainPairs({
        ...{ engine, model, candidates, folder, pairs: tinyPairs(2) },
        settings: { ...TINY_TRAIN, guidance, warmUp: 0, learningRate: 1e-3 },
        onProgress() {},
      });
      const steps = await telemetryOf(folder);
      assert.ok(Math.abs(steps[0]!.loss - Math.LN2) < 1e-6 && steps[0]!.gradNorm > 0);
      assert.notEqual(steps[1]!.loss, steps[0]!.loss);
      const tuned = await loadDiffusionModel(engine, result.model);
      assert.notEqual(tuned.hash, model.hash);
      assert.equal(tuned.texts.length, model.texts.length);
      assert.ok(tuned.vae);
      model.dispose();
      tuned.dispose();
    }
  });
}

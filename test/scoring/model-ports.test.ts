/** Models behind the scoring ports beyond their recorded case (test/golden/scorers): batches, order, thresholds. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { RgbImage } from '../../src/engine/image.ts';
import {
  loadAestheticHead,
  loadBlipVqa,
  loadImageReward,
  loadOwlVit,
} from '../../src/models/folders/scorer-folders.ts';
import { owlVitForward } from '../../src/models/owlvit/owlvit.ts';
import { preparedPixels } from '../../src/models/preprocess/clip-preprocess.ts';
import { blipAnswerer } from '../../src/scoring/blip-answerer.ts';
import { aestheticScorer, imageRewardScorer } from '../../src/scoring/image-raters.ts';
import { owlVitDetector } from '../../src/scoring/owlvit-detector.ts';
import { engine } from '../components/tensors.ts';
import {
  writeTinyAesthetic,
  writeTinyBlip,
  writeTinyImageReward,
  writeTinyOwlVit,
} from '../models/tiny-scorers.ts';
import { temporaryFolder } from '../temporary.ts';

const { tf } = engine;
const picture = (seed: number, width = 40, height = 30): RgbImage => ({
  ...{ width, height },
  data: Uint8Array.from({ length: 3 * width * height }, (_, i) => 127 * (1 + Math.sin(seed + i * i))),
});
const furthest = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));

async function opened<M extends { dispose(): void }>(
  t: TestContext,
  write: (folder: string) => Promise<void>,
  load: (engine_: typeof engine, folder: string) => Promise<M>,
): Promise<M> {
  const folder = path.join(await temporaryFolder(t), 'model');
  await write(folder);
  const model = await load(engine, folder);
  t.after(() => model.dispose());
  return model;
}

/** Runs twice: the first may fill the engine's caches, the second must leave nothing. */
async function leavesNothing<T>(use: () => Promise<T>): Promise<T> {
  await use();
  const before = tf.memory().numTensors;
  const result = await use();
  assert.equal(tf.memory().numTensors, before);
  return result;
}

test('BLIP: more questions than a batch are answered as one by one, to 1e-5, in order', async (t) => {
  const port = blipAnswerer(engine, await opened(t, writeTinyBlip, loadBlipVqa));
  const words = ['red', 'a blue', 'cup of', 'there is a square'];
  const questions = Array.from({ length: 70 }, (_, i) => `${words[i % 4]} ${i}?`);
  const together = await leavesNothing(() => port.answer(picture(1), questions));
  const image = picture(1);
  const alone = [];
  for (const question of questions) alone.push(...(await port.answer(image, [question])));
  const yes = (answers: typeof together) => answers.map((answer) => answer.yes);
  assert.equal(together.length, 70);
  assert.ok(furthest(yes(together), yes(alone)) < 1e-5);
  assert.ok(new Set(yes(together).map((p) => p.toFixed(4))).size > 20, 'the questions differ');
  for (const { answer, yes: p } of together) assert.equal(answer, p > 0.5 ? 'yes' : 'no');
  assert.ok(new Set(together.map(({ answer }) => answer)).size === 2, 'both answers occur');
  assert.deepEqual(await port.answer(image, []), []);
});

test('BLIP: case and the punctuation that the benchmark drops have no say, a question mark has', async (t) => {
  const port = blipAnswerer(engine, await opened(t, writeTinyBlip, loadBlipVqa));
  const [plain, dressed, bare] = await port.answer(picture(2), ['red cup?', 'Red (CUP)"?*#~ ', 'red cup']);
  assert.equal(dressed!.yes, plain!.yes);
  assert.ok(Math.abs(bare!.yes - plain!.yes) > 1e-4);
});

test('OWL-ViT: boxes above a tenth and no other, each under its best label, surest first', async (t) => {
  const model = await opened(t, writeTinyOwlVit, loadOwlVit);
  // With the model's own shift every box is far above.
  const shift = model.weights['class_head.logit_shift.bias']!;
  model.weights['class_head.logit_shift.bias'] = shift.sub(2.5);
  shift.dispose();
  const [image, labels] = [picture(3), ['red circle', 'blue cup']];
  const port = owlVitDetector(engine, model);
  const found = await leavesNothing(() => port.detect(image, labels));

  const ids = labels.map((label) => model.tokenizer.encode(`a photo of a ${label}`));
  const attended = ids.map((row) => row.map((id) => (id === model.tokenizer.padId ? 0 : 1)));
  const pixels = preparedPixels(tf, model.preprocessor, [image]);
  const { logits, boxes } = owlVitForward(engine, model.config, model.weights, pixels, { ids, attended });
  const scores = logits.sigmoid().squeeze([0]).arraySync() as number[][];
  const places = boxes.squeeze([0]).arraySync() as number[][];
  const want = scores
    .map((row, i) => ({ row, at: places[i]!, best: Math.max(...row) }))
    .filter(({ best }) => best > 0.1)
    .sort((a, b) => b.best - a.best);
  assert.ok(want.length > 2 && want.length < scores.length, `${want.length} of ${scores.length}`);
  assert.equal(found.length, want.length);
  for (const [i, { label, confidence, box }] of found.entries()) {
    const { row, at, best } = want[i]!;
    assert.equal(label, labels[row.indexOf(best)]);
    assert.ok(Math.abs(confidence - best) < 1e-6);
    const [x, y, width, height] = at as [number, number, number, number];
    const sides = [
      (box[0] + box[2]) / 80,
      (box[1] + box[3]) / 60,
      (box[2] - box[0]) / 40,
      (box[3] - box[1]) / 30,
    ];
    assert.ok(furthest(sides, [x, y, width, height]) < 1e-6);
  }
});

test('aesthetic and ImageReward: more images than a batch are rated as one by one, to 1e-5; only one reads', async (t) => {
  const images = Array.from({ length: 10 }, (_, i) => picture(i, 30 + i, 40 - i));
  const texts = images.map((_, i) => `a red cup ${i}`);
  const aesthetic = aestheticScorer(engine, await opened(t, writeTinyAesthetic, loadAestheticHead));
  const reward = imageRewardScorer(engine, await opened(t, writeTinyImageReward, loadImageReward));
  for (const [port, reads] of [
    [aesthetic, false],
    [reward, true],
  ] as const) {
    const together = await leavesNothing(() => port.rate(images, texts));
    const alone = [];
    for (const [i, image] of images.entries()) alone.push(...(await port.rate([image], [texts[i]!])));
    assert.equal(together.length, 10);
    assert.ok(furthest(together, alone) < 1e-5);
    const others = await port.rate(images, texts.toReversed());
    assert.equal(furthest(together, others) > 1e-3, reads);
    assert.ok(Math.max(...together) - Math.min(...together) > 0.01, 'the images differ');
  }
});

/** How good the sample model is while it trains: DPG score of held-out prompts, and a picture grid of them. */
import { promptText } from '../../src/annotations/prompt.ts';
import { seededNoise } from '../../src/diffusion/noise.ts';
import { guidedPredictor } from '../../src/diffusion/predictor.ts';
import { sample } from '../../src/diffusion/sample.ts';
import { parseSchedule } from '../../src/diffusion/schedule.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { fromPixels, tileImages } from '../../src/engine/image.ts';
import { encodePng } from '../../src/engine/png.ts';
import { mean } from '../../src/mean.ts';
import { loadDiffusionModel } from '../../src/models/folders/model-folder.ts';
import { textPrompt } from '../../src/models/inputs/prompt.ts';
import { disposeCondition, encodeEmpty, encodePrompts } from '../../src/models/inputs/text-condition.ts';
import { createRandom, hashSeed } from '../../src/random.ts';
import { sampleAnswerer } from '../../src/sample-world/ports.ts';
import { isHeldOut, sampleScene } from '../../src/sample-world/scenes.ts';
import { dpg } from '../../src/scoring/dpg.ts';
import type { DpgQuestion } from '../../src/scoring/dpg-questions.ts';
import type { ScoringPorts } from '../../src/scoring/ports.ts';

const COUNT = 96;

export async function evaluateSampleModel(engine: Engine, folder: string) {
  const { tf } = engine;
  const random = createRandom(hashSeed('pretrain-evaluation'));
  const annotations = [];
  while (annotations.length < COUNT) {
    const { annotation } = sampleScene(random);
    if (isHeldOut(annotation)) annotations.push(annotation);
  }
  const model = await loadDiffusionModel(engine, folder);
  const prompt = encodePrompts(engine, model, annotations.map(promptText).map(textPrompt));
  const empty = encodeEmpty(engine, model);
  const predict = guidedPredictor(engine, model.unet.config, model.unet.weights, { prompt, empty }, 3);
  const seeds = annotations.map((_, i) => hashSeed('pretrain-evaluation', i));
  const noise = seededNoise(tf, seeds, [32, 32, 3]);
  const pixels = sample(engine, parseSchedule(model.scheduler), predict, noise, 20);
  const images = fromPixels(pixels.dataSync() as Float32Array, 32, 32);
  for (const condition of [prompt, empty]) disposeCondition(condition);
  tf.dispose([noise, pixels]);
  model.dispose();
  const subjects = annotations.map((annotation, i) => ({ annotation, image: images[i]! }));
  const measured = await dpg.score(subjects, { answerer: sampleAnswerer() } as ScoringPorts, 'fixed');
  const results = measured.filter((result) => result !== null && 'value' in result);
  const questions = results.flatMap(
    ({ evidence }) => evidence.questions as (DpgQuestion & { counted: number })[],
  );
  const share = (category: string) =>
    rounded(questions.filter((q) => q.category === category).map(({ counted }) => counted));
  const values = results.map(({ value }) => value);
  const scores = {
    dpg: rounded(values),
    allRight: rounded(values.map((value) => (value === 1 ? 1 : 0))),
    entity: share('entity'),
    attribute: share('attribute'),
    relation: share('relation'),
  };
  return { scores, grid: await encodePng(tileImages(images, 16, 2)) };
}

const rounded = (values: readonly number[]) => Number(mean(values).toPrecision(4));

/** Painted scenes whose annotations name other colours than the sample model knows: something for an encoder to learn. */
import path from 'node:path';
import { promptText, tripleTexts } from '../../src/annotations/prompt.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { loadDiffusionModel } from '../../src/models/folders/model-folder.ts';
import { createRandom } from '../../src/random.ts';
import { paint } from '../../src/sample-world/painter.ts';
import { sampleScene } from '../../src/sample-world/scenes.ts';
import type { Colour } from '../../src/sample-world/vocabulary.ts';
import {
  DEFAULT_SCENE_GRAPH,
  type SceneGraphSettings,
} from '../../src/training/scene-graph/scene-graph-settings.ts';
import type {
  GraphImage,
  SceneGraphTraining,
} from '../../src/training/scene-graph/train-scene-graph-encoder.ts';

const SWAPPED: Partial<Record<Colour, Colour>> = {
  red: 'blue',
  blue: 'red',
  green: 'yellow',
  yellow: 'green',
};

export const sampleModel = (engine: Engine) =>
  loadDiffusionModel(engine, path.resolve(import.meta.dirname, '../../models/sample/diffusion'));

export function paintedImages(count: number): GraphImage[] {
  const random = createRandom(5);
  const images: GraphImage[] = [];
  while (images.length < count) {
    const { annotation, layout } = sampleScene(random);
    if (annotation.relations.length === 0) continue;
    const swapped = layout.map((item) => ({ ...item, colour: SWAPPED[item.colour] ?? item.colour }));
    const image = paint({ annotation, layout: swapped }, random);
    const prompt = { text: promptText(annotation), triples: tripleTexts(annotation) };
    images.push({ id: annotation.img_id, prompt, load: async () => image });
  }
  return images;
}

export const PAINTED: SceneGraphSettings = {
  ...DEFAULT_SCENE_GRAPH,
  ...{ steps: 20, batch: 4, learningRate: 0.05, checkpointEvery: 2 },
};

/** A run on eight images with these settings. */
export async function paintedRun(
  engine: Engine,
  folder: string,
  settings: Partial<SceneGraphSettings> = {},
): Promise<SceneGraphTraining> {
  const model = await sampleModel(engine);
  return {
    ...{ engine, model, folder, images: paintedImages(8), onStep() {} },
    settings: { ...PAINTED, ...settings },
  };
}

/**
 * What `diptych estimate` says of drawing 32 images with the sample model (20 DDIM steps, guidance 3), beside the time
 * that it takes. ratio = estimate / truth: below 1 promises too much.
 */
import path from 'node:path';
import { estimateRun } from '../pipelines/estimate.ts';
import { withDefaults } from '../pipelines/settings.ts';
import { drawImages } from '../src/diffusion/draw-images.ts';
import { openEngine } from '../src/engine/engine.ts';
import { measureRate } from '../src/engine/rate.ts';
import { loadDiffusionModel } from '../src/models/folders/model-folder.ts';
import { textPrompt } from '../src/models/inputs/prompt.ts';
import type { BenchResult } from './run.ts';

const IMAGES = 32;
const SAMPLING = { steps: 20, guidance: 3 };

export async function run(): Promise<BenchResult> {
  const engine = await openEngine();
  const folder = path.resolve(import.meta.dirname, '../models/sample/diffusion');
  const settings = withDefaults({ candidates: IMAGES, heldOutFraction: 0, sampling: SAMPLING });
  const { work } = await estimateRun('curate', settings, 1, folder);
  const model = await loadDiffusionModel(engine, folder);
  const requests = Array.from({ length: IMAGES }, (_, seed) => ({
    prompt: textPrompt('red circle left of blue square'),
    seed,
  }));
  const draw = () => drawImages(engine, model, requests, SAMPLING, () => {});
  draw();
  const value = (1000 * work[0]!.flops) / measureRate(engine);
  const started = performance.now();
  draw();
  const peerValue = performance.now() - started;
  return {
    bench: 'estimate',
    value,
    unit: 'ms',
    peer: 'the work itself',
    peerValue,
    ratio: value / peerValue,
  };
}

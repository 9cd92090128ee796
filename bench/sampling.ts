/**
 * Sampling: 32 images, 20 DDIM steps, guidance 3, in ms, beside PyTorch eager with diffusers' UNet and scheduler on the
 * same weights, noise and threads. ratio = ours / theirs: below 1 is faster.
 */
import { guidedPredictor } from '../src/diffusion/predictor.ts';
import { sample } from '../src/diffusion/sample.ts';
import { parseSchedule } from '../src/diffusion/schedule.ts';
import { computeInChains } from '../src/engine/threads.ts';
import type { BenchResult } from './run.ts';
import { assertEqualWork, inTurn, startTorch, type Timed } from './torch/peer.ts';
import { openBenchModel, THREADS } from './torch/sample-model.ts';

const [STEPS, GUIDANCE, REPEATS] = [20, 3, 5];

export async function run(): Promise<BenchResult> {
  computeInChains();
  const { engine, model, folder, inputs, noise, condition, empty } = await openBenchModel();
  const { config, weights } = model.unet;
  const predict = guidedPredictor(engine, config, weights, { prompt: condition, empty }, GUIDANCE);
  const schedule = parseSchedule(model.scheduler);
  const ours = (): Timed => {
    const started = performance.now();
    const images = sample(engine, schedule, predict, noise, STEPS);
    const values = images.dataSync();
    images.dispose();
    return { ms: performance.now() - started, values };
  };
  const torch = await startTorch('peer.py', [folder, inputs], THREADS);
  try {
    const times = await inTurn(ours, torch && (() => torch.work('sampling')), REPEATS);
    // Differences of rounding grow over twenty guided steps.
    if (times.first[1]) assertEqualWork(times.first[0].values, times.first[1].values, 1e-2);
    return {
      ...{ bench: 'sampling', value: times.ours, unit: 'ms' },
      ...{ peer: torch?.name ?? null, peerValue: times.theirs },
      ratio: times.theirs && times.ours / times.theirs,
    };
  } finally {
    torch?.close();
  }
}

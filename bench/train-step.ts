/**
 * Training: one whole diffusion-dpo optimizer step on 16 pairs (reference forward, policy forward and backward,
 * clipping, AdamW), in ms, beside the same step in PyTorch eager float32 with diffusers' UNet on the same weights, inputs
 * and threads; once more with products in bfloat16 where the processor has it. ratio = ours / theirs: below 1 is faster.
 */
import { bfloat16Problem, type Engine, withBfloat16 } from '../src/engine/engine.ts';
import { createFlatParameters } from '../src/engine/flat-parameters.ts';
import { computeInChains } from '../src/engine/threads.ts';
import { toHost } from '../src/engine/weights.ts';
import { preferenceStep } from '../src/training/pairs/step.ts';
import type { BenchResult } from './run.ts';
import { assertEqualWork, inTurn, startTorch, type Timed } from './torch/peer.ts';
import { DPO_TRAIN, openBenchModel, pairsOf, THREADS } from './torch/sample-model.ts';

const REPEATS = 15;
const RATE = 1e-5;

export async function run(): Promise<BenchResult[]> {
  computeInChains();
  const opened = await openBenchModel();
  const { engine, model, folder, inputs } = opened;
  const { specs, config, weights: reference } = model.unet;
  const batch = pairsOf(opened);
  const stepsOn = (engine: Engine) => {
    const policy = createFlatParameters(engine, specs, toHost(reference, specs), { maxGradNorm: 1 });
    const step = preferenceStep(engine, { config, policy, reference }, DPO_TRAIN);
    return (): Timed => {
      const started = performance.now();
      const { loss, gradNorm } = step([batch], RATE);
      return { ms: performance.now() - started, values: [loss, gradNorm] };
    };
  };
  const narrow = bfloat16Problem(engine);
  if (narrow) console.error(`SKIPPED train-step-bfloat16: ${narrow}`);
  const sides = [
    { bench: 'train-step', ours: stepsOn(engine), tolerance: 1e-3 },
    ...(narrow
      ? []
      : [{ bench: 'train-step-bfloat16', ours: stepsOn(withBfloat16(engine)), tolerance: 2e-2 }]),
  ];
  const results: BenchResult[] = [];
  for (const { bench, ours, tolerance } of sides) {
    // Each begins at the same weights.
    const torch = await startTorch('peer.py', [folder, inputs], THREADS);
    try {
      const times = await inTurn(ours, torch && (() => torch.work('train-step')), REPEATS);
      if (times.first[1]) assertEqualWork(times.first[0].values, times.first[1].values, tolerance);
      results.push({
        ...{ bench, value: times.ours, unit: 'ms' },
        ...{ peer: torch?.name ?? null, peerValue: times.theirs },
        ratio: times.theirs && times.ours / times.theirs,
      });
    } finally {
      torch?.close();
    }
  }
  return results;
}

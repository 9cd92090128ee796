/**
 * Training: one whole diffusion-dpo optimizer step on 16 pairs (reference forward, policy forward and backward,
 * clipping, AdamW), in ms, beside the same step in PyTorch eager with diffusers' UNet on the same weights, inputs
 * and threads. ratio = ours / theirs: below 1 is faster.
 */
import { createFlatParameters } from '../src/engine/flat-parameters.ts';
import { toHost } from '../src/engine/weights.ts';
import { takeStep } from '../src/training/step.ts';
import type { BenchResult } from './run.ts';
import { assertEqualWork, inTurn, startTorch, type Timed } from './torch/peer.ts';
import { IMAGES, openBenchModel, THREADS } from './torch/sample-model.ts';

const PAIRS = IMAGES / 2;
const REPEATS = 15;
const RATE = 1e-5;

export async function run(): Promise<BenchResult> {
  const { engine, model, folder, inputs, ...tensors } = await openBenchModel();
  const { tf } = engine;
  const { specs, config, weights: reference } = model.unet;
  const policy = createFlatParameters(engine, specs, toHost(reference, specs), { maxGradNorm: 1 });
  const half = (t: (typeof tensors)['x'], which: 0 | 1) => tf.slice(t, which * PAIRS, PAIRS);
  const rows = {
    winner: half(tensors.x, 0),
    loser: half(tensors.x, 1),
    winnerTarget: half(tensors.target, 0),
    loserTarget: half(tensors.target, 1),
    // takeStep uses one timestep for both sides of a pair.
    timesteps: tensors.timesteps.slice(0, PAIRS),
    levels: [],
  };
  const batch = { rows, condition: { states: half(tensors.condition.states, 0) }, empty: tensors.empty };
  const settings = { objective: 'diffusion-dpo', form: 'shared-noise', beta: 2000, guidance: 1 } as const;
  const ours = (): Timed => {
    const started = performance.now();
    const { loss, gradNorm } = takeStep(engine, { config, policy, reference }, settings, batch, RATE);
    return { ms: performance.now() - started, values: [loss, gradNorm] };
  };
  const torch = await startTorch('peer.py', [folder, inputs], THREADS);
  try {
    const times = await inTurn(ours, torch && (() => torch.work('train-step')), REPEATS);
    if (times.first[1]) assertEqualWork(times.first[0].values, times.first[1].values, 1e-3);
    return {
      ...{ bench: 'train-step', value: times.ours, unit: 'ms' },
      ...{ peer: torch?.name ?? null, peerValue: times.theirs },
      ratio: times.theirs && times.ours / times.theirs,
    };
  } finally {
    torch?.close();
  }
}

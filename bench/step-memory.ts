/**
 * Memory of training: the process's after 500 diffusion-dpo steps on 4 pairs, in MB, beside what it was after the first
 * 100. ratio = later / earlier: 1 is flat. Throws where the number of live tensors changes.
 */

import { computeInChains } from '../src/engine/threads.ts';
import { preferenceStep } from '../src/training/pairs/step.ts';
import { createPolicy } from '../src/training/policy.ts';
import type { BenchResult } from './run.ts';
import { DPO_TRAIN, openBenchModel, pairsOf } from './torch/sample-model.ts';

const [EARLY, STEPS, PAIRS] = [100, 500, 4];

export async function run(): Promise<BenchResult> {
  computeInChains();
  const opened = await openBenchModel();
  const { engine, model } = opened;
  const policy = createPolicy(engine, model, DPO_TRAIN, null);
  const { config, weights: reference } = model.unet;
  const step = preferenceStep(engine, { config, policy, reference }, DPO_TRAIN);
  const batch = pairsOf(opened, PAIRS);
  const after = (steps: number) => {
    for (let i = 0; i < steps; i++) step([batch], 1e-5);
    return { megabytes: process.memoryUsage().rss / 1e6, tensors: engine.tf.memory().numTensors };
  };
  const early = after(EARLY);
  const late = after(STEPS - EARLY);
  if (late.tensors !== early.tensors) throw new Error(`${early.tensors} live tensors became ${late.tensors}`);
  return {
    ...{ bench: 'step-memory', value: late.megabytes, unit: 'MB' },
    ...{ peer: `the same run after ${EARLY} steps`, peerValue: early.megabytes },
    ratio: late.megabytes / early.megabytes,
  };
}

/**
 * Gradient checkpointing: the most bytes of tensors alive at once in a diffusion-dpo step on 16 pairs, in MB, beside the
 * same step without, both operation by operation. ratio = with / without: below 1 is less. The processor time of both is
 * printed on the way.
 */
import type { Engine } from '../src/engine/engine.ts';
import { preferenceStep } from '../src/training/pairs/step.ts';
import { createPolicy } from '../src/training/policy.ts';
import { peakBytes } from '../test/peak-bytes.ts';
import type { BenchResult } from './run.ts';
import { inTurn } from './torch/peer.ts';
import { DPO_TRAIN, openBenchModel, pairsOf } from './torch/sample-model.ts';

const REPEATS = 5;

export async function run(): Promise<BenchResult> {
  const opened = await openBenchModel();
  const { model } = opened;
  // Traced, a step would be one operation, and none of its tensors would be counted.
  const engine: Engine = { ...opened.engine, traces: false };
  const batch = pairsOf(opened);
  const policy = createPolicy(engine, model, DPO_TRAIN, null);
  const models = { config: model.unet.config, policy, reference: model.unet.weights };
  const stepper = (gradientCheckpointing: boolean) => {
    return preferenceStep(engine, models, { ...DPO_TRAIN, gradientCheckpointing });
  };
  const [checkpointed, without] = [stepper(true), stepper(false)];
  const step = (gradientCheckpointing: boolean) =>
    (gradientCheckpointing ? checkpointed : without)([batch], 1e-5);
  const timed = (gradientCheckpointing: boolean) => {
    const started = process.cpuUsage();
    const { loss } = step(gradientCheckpointing);
    const { user, system } = process.cpuUsage(started);
    return { ms: (user + system) / 1000, values: [loss] };
  };
  const times = await inTurn(
    () => timed(true),
    async () => timed(false),
    REPEATS,
  );
  console.log(`processor time of a step: ${times.ours.toFixed(0)} ms, ${times.theirs!.toFixed(0)} without`);
  const [value, peerValue] = [true, false].map((on) => peakBytes(engine.tf, () => step(on)).bytes / 1e6);
  return {
    ...{ bench: 'checkpointing', value: value!, unit: 'MB' },
    ...{ peer: 'the same step without', peerValue: peerValue!, ratio: value! / peerValue! },
  };
}

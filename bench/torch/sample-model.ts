/** What the PyTorch benches share: the sample model on the engine, and the same inputs for both sides. */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { seededNoise } from '../../src/diffusion/noise.ts';
import { type Engine, openEngine, type Tensor } from '../../src/engine/engine.ts';
import { type HostTensor, writeSafetensors } from '../../src/engine/safetensors.ts';
import { type DiffusionModel, loadDiffusionModel } from '../../src/models/folders/model-folder.ts';
import { textPrompt } from '../../src/models/inputs/prompt.ts';
import { encodeEmpty, encodePrompts } from '../../src/models/inputs/text-condition.ts';
import type { TextCondition } from '../../src/models/unet/unet.ts';
import type { StepBatch } from '../../src/training/pairs/step.ts';
import { DEFAULT_TRAIN, objectiveSettings } from '../../src/training/settings.ts';

/** What the benches of a step minimise. */
const DPO = { objective: 'diffusion-dpo', form: DEFAULT_TRAIN.form } as const;
export const DPO_TRAIN = { ...DEFAULT_TRAIN, ...DPO, ...objectiveSettings(DPO) };

export const IMAGES = 32;
export const THREADS = os.availableParallelism();
const FOLDER = path.join(import.meta.dirname, '../..', 'models', 'sample', 'diffusion');

export interface BenchModel {
  engine: Engine;
  model: DiffusionModel;
  folder: string;
  /** NHWC [32, 32, 32, 3]: states, targets, initial noise. */
  x: Tensor;
  target: Tensor;
  noise: Tensor;
  timesteps: number[];
  /** Text states [32, L, D] and [1, L, D]. */
  condition: TextCondition;
  empty: TextCondition;
  /** The same as a safetensors file in torch's layout. */
  inputs: string;
}

export async function openBenchModel(): Promise<BenchModel> {
  const engine = await openEngine();
  const { tf } = engine;
  const model = await loadDiffusionModel(engine, FOLDER);
  const seeds = (first: number) => Array.from({ length: IMAGES }, (_, i) => first + i);
  const [x, target, noise] = [0, 100, 200].map((first) => seededNoise(tf, seeds(first), [32, 32, 3])) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const timesteps = seeds(0).map((i) => 31 * i);
  const prompts = seeds(0).map((i) => `small red circle ${i % 2 ? 'above' : 'left of'} blue square`);
  const [condition, empty] = [
    encodePrompts(engine, model, prompts.map(textPrompt)),
    encodeEmpty(engine, model),
  ];

  const host = (t: Tensor): HostTensor => ({
    shape: t.shape,
    dtype: 'float32',
    data: Float32Array.from(t.dataSync()),
  });
  const nchw = (t: Tensor) => host(t.transpose([0, 3, 1, 2]));
  const made = await mkdtemp(path.join(os.tmpdir(), 'diptych-bench-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  const inputs = path.join(made, 'inputs.safetensors');
  await writeSafetensors(inputs, {
    ...{
      x: nchw(x),
      target: nchw(target),
      noise: nchw(noise),
      context: host(condition.states),
      empty: host(empty.states),
    },
    t: { shape: [IMAGES], dtype: 'int32', data: Int32Array.from(timesteps) },
  });
  return { engine, model, folder: FOLDER, x, target, noise, timesteps, condition, empty, inputs };
}

/** The inputs as a training step takes them: the first half winners, each pair at one timestep. */
export function pairsOf(
  { engine: { tf }, x, target, timesteps, condition, empty }: BenchModel,
  pairs = IMAGES / 2,
): StepBatch {
  const winners = (t: Tensor) => tf.slice(t, 0, pairs);
  const losers = (t: Tensor) => tf.slice(t, IMAGES / 2, pairs);
  const rows = {
    winner: winners(x),
    loser: losers(x),
    winnerTarget: winners(target),
    loserTarget: losers(target),
    timesteps: timesteps.slice(0, pairs),
    levels: [],
    weights: timesteps.slice(0, pairs).map(() => 1),
    ascents: null,
  };
  const factors = Array.from({ length: pairs }, () => ({ weight: 1, probability: 1 }));
  return { rows, condition: { states: winners(condition.states) }, empty, factors };
}

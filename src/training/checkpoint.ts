/**
 * A checkpoint: the weights as a model folder has them, the optimizer's state, and how far the run is. Written beside and
 * renamed, so a folder named step-N is always whole. Batches are functions of (seed, step), so the step is the
 * whole cursor and there is no random state to keep.
 */
import { existsSync, readdirSync } from 'node:fs';
import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { FlatState } from '../engine/flat-parameters.ts';
import { type HostTensor, readTensors, writeSafetensors } from '../engine/safetensors.ts';

export interface CheckpointContent {
  state: FlatState;
  /** Writes the weights of this step into the checkpoint's folder, for people to use. */
  writeWeights(folder: string): Promise<void>;
}

const KEEP = 2;

/** Writes checkpoint step-N of a run folder and removes all but the newest two. Returns its folder. */
export async function writeCheckpoint(runFolder: string, content: CheckpointContent): Promise<string> {
  const { state, writeWeights } = content;
  const folder = path.join(runFolder, 'checkpoints');
  const final = path.join(folder, `step-${state.step}`);
  if (existsSync(final)) return final;
  const partial = `${final}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  await writeWeights(partial);
  const vector = (data: Float32Array): HostTensor => ({ shape: [data.length], dtype: 'float32', data });
  await writeSafetensors(path.join(partial, 'optimizer.safetensors'), {
    parameters: vector(state.parameters),
    m: vector(state.m),
    v: vector(state.v),
  });
  await writeFile(path.join(partial, 'state.json'), `${JSON.stringify({ step: state.step })}\n`);
  await rename(partial, final);
  for (const step of stepsOf(folder).slice(KEEP)) {
    await rm(path.join(folder, `step-${step}`), { recursive: true });
  }
  return final;
}

/** The base model's folder with another UNet. */
export async function writeModel(
  folder: string,
  base: string,
  unet: Record<string, HostTensor>,
): Promise<void> {
  await mkdir(path.join(folder, 'unet'), { recursive: true });
  const weights = `unet${path.sep}diffusion_pytorch_model`;
  await cp(base, folder, { recursive: true, filter: (source) => !source.includes(weights) });
  await writeSafetensors(path.join(folder, 'unet', 'diffusion_pytorch_model.safetensors'), unet);
}

/** Optimizer state of the newest checkpoint; null when there is none. */
export async function readNewestCheckpoint(runFolder: string): Promise<FlatState | null> {
  const folder = path.join(runFolder, 'checkpoints');
  const step = stepsOf(folder)[0];
  if (step === undefined) return null;
  const tensors = await readTensors(path.join(folder, `step-${step}`, 'optimizer.safetensors'));
  const data = (name: string) => tensors[name]!.data as Float32Array;
  return { step, parameters: data('parameters'), m: data('m'), v: data('v') };
}

/** Steps of the whole checkpoints, newest first. */
function stepsOf(folder: string): number[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => /^step-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);
}

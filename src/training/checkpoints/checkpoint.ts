/**
 * A checkpoint: the weights as people use them (a model folder, a LoRA), the optimizer's state, and how far the run
 * is. Written beside and renamed, so a folder named step-N is always whole. Batches are functions of (seed, step), so
 * the step is the whole cursor and there is no random state to keep.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { FlatState } from '../../engine/flat-parameters.ts';
import { type HostTensor, readTensors, writeSafetensors } from '../../engine/safetensors.ts';

/** What is being trained. */
export interface Trained {
  state(): FlatState;
  /** Writes the weights of this step into a folder. */
  save(folder: string): Promise<void>;
}

const KEEP = 2;
const OPTIMIZER = 'optimizer.safetensors';
const STATE = 'state.json';
const PARTIAL = '.partial';
/** What resuming reads of a checkpoint's folder. */
export const CHECKPOINT_FILES = [OPTIMIZER, STATE] as const;

/** Writes checkpoint step-N of a run folder and removes all but the newest two and the one of step `kept`. */
export async function writeCheckpoint(
  runFolder: string,
  trained: Trained,
  kept: number | null = null,
): Promise<void> {
  const state = trained.state();
  const folder = path.join(runFolder, 'checkpoints');
  const final = path.join(folder, `step-${state.step}`);
  if (existsSync(final)) return;
  // A name of its own: an attempt that was frozen and wakes up may write the same checkpoint.
  const partial = `${final}.${randomUUID()}${PARTIAL}`;
  await mkdir(partial, { recursive: true });
  await trained.save(partial);
  const vector = (data: Float32Array): HostTensor => ({ shape: [data.length], dtype: 'float32', data });
  await writeSafetensors(path.join(partial, OPTIMIZER), {
    parameters: vector(state.parameters),
    m: vector(state.m),
    v: vector(state.v),
    ...(state.ema && { ema: vector(state.ema) }),
  });
  await writeFile(path.join(partial, STATE), `${JSON.stringify({ step: state.step })}\n`);
  await rename(partial, final).catch(async (thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'ENOTEMPTY' && thrown.code !== 'EEXIST') throw thrown;
    // The same step has the same bits.
    await rm(partial, { recursive: true, force: true });
  });
  for (const step of checkpointSteps(runFolder).slice(KEEP)) {
    if (step !== kept) await rm(path.join(folder, `step-${step}`), { recursive: true, force: true });
  }
}

/** Removes what earlier attempts left half written; one of them that still writes then fails. */
export async function removePartialCheckpoints(runFolder: string): Promise<void> {
  const folder = path.join(runFolder, 'checkpoints');
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    if (name.endsWith(PARTIAL)) await rm(path.join(folder, name), { recursive: true, force: true });
  }
}

/** Optimizer state of the newest checkpoint; null when there is none. */
export async function readNewestCheckpoint(runFolder: string): Promise<FlatState | null> {
  const step = checkpointSteps(runFolder)[0];
  return step === undefined ? null : readCheckpoint(runFolder, step);
}

/** Optimizer state of the checkpoint of that step, which must be there. */
export async function readCheckpoint(runFolder: string, step: number): Promise<FlatState> {
  const tensors = await readTensors(path.join(runFolder, 'checkpoints', `step-${step}`, OPTIMIZER));
  const data = (name: string) => tensors[name]!.data as Float32Array;
  const ema = tensors.ema && { ema: data('ema') };
  return { step, parameters: data('parameters'), m: data('m'), v: data('v'), ...ema };
}

/** Steps of the whole checkpoints, newest first. */
export function checkpointSteps(runFolder: string): number[] {
  const folder = path.join(runFolder, 'checkpoints');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => /^step-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);
}

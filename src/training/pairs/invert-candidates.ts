/**
 * Every candidate inverted once under the reference and kept on disk, in batches, so that an interrupted run goes on with
 * the first one that is missing, and another run with the same candidates finds them all.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { disposeTrajectory, invert } from '../../diffusion/invert.ts';
import { guidedPredictor } from '../../diffusion/predictor.ts';
import { alphaBarAt, gridStep, inversionTimesteps, type Schedule } from '../../diffusion/schedule.ts';
import type { Engine, Tensor } from '../../engine/engine.ts';
import { type RgbImage, toPixels } from '../../engine/image.ts';
import { DiptychError } from '../../errors.ts';
import { imagesAtOnce } from '../../models/folders/cost.ts';
import type { DiffusionModel } from '../../models/folders/model-folder.ts';
import { toLatents } from '../../models/inputs/latents.ts';
import type { Prompt } from '../../models/inputs/prompt.ts';
import { disposeCondition, encodeEmpty, encodePrompts } from '../../models/inputs/text-condition.ts';
import type { PairTrainSettings } from '../settings.ts';
import { openTrajectories, type TrajectoryStore } from '../trajectories/trajectory-store.ts';
import { trimFolder } from '../trajectories/trim-folder.ts';
import { OBJECTIVE } from './objective.ts';
import { storedStates } from './rows.ts';

export interface TrainCandidate {
  id: string;
  prompt: Prompt;
  /** Of the encoded image: part of what a stored trajectory depends on. */
  sha256: string;
  load(): Promise<RgbImage>;
}

export interface InvertOptions {
  engine: Engine;
  model: DiffusionModel;
  settings: PairTrainSettings;
  schedule: Schedule;
  candidates: readonly TrainCandidate[];
  /** The run's own. */
  folder: string;
  /** Folder of trajectories that runs share; absent: the run keeps its own. */
  trajectories?: string;
  /** Most bytes in it, between runs; absent: any. */
  trajectoryBytes?: number;
  /** Called after every batch: candidates that are done, and evaluations of the UNet that this call took. */
  onProgress(done: number, evaluations: number): void | Promise<void>;
}

/** The store has the candidates by their places in the list. */
export async function invertCandidates(options: InvertOptions): Promise<TrajectoryStore> {
  const { engine, model, settings, schedule, candidates, folder, trajectories, onProgress } = options;
  const { trajectoryBytes = Number.POSITIVE_INFINITY } = options;
  const { sampleSize, inChannels } = model.unet.config;
  const inverts = OBJECTIVE[settings.objective].states === 'inverted';
  const states = storedStates(settings, schedule);
  const store = await openTrajectories({
    folder: path.join(folder, 'trajectories'),
    shared: trajectories,
    keys: candidates.map((candidate) => keyOf(model, settings, states, candidate)),
    states,
    levels: inverts ? levelsOf(settings, schedule, states) : [1],
    shape: [sampleSize, sampleSize, inChannels],
  });
  const together = imagesAtOnce(model.unet.config, settings.guidance);
  let evaluations = 0;

  async function invertThese(places: readonly number[]): Promise<void> {
    const batch = places.map((place) => candidates[place]!);
    const images = await Promise.all(batch.map((candidate) => candidate.load()));
    const pixels = imageTensor(engine, images, model.imageSide);
    const x0 = toLatents(engine, model, pixels);
    pixels.dispose();
    const prompts = batch.map(({ prompt }) => prompt);
    const made = inverts
      ? invertedStates(engine, model, settings, schedule, x0, prompts, states)
      : [x0.dataSync() as Float32Array];
    const size = x0.size / batch.length;
    x0.dispose();
    const ofRow = (row: number) => made.map((values) => values.subarray(row * size, (row + 1) * size));
    await store.add(new Map(places.map((place, row) => [place, ofRow(row)])));
    if (inverts) evaluations += batch.length * settings.inversionSteps;
    await onProgress(places.at(-1)! + 1, evaluations);
  }

  let missing: number[] = [];
  for (const place of candidates.keys()) {
    // Asked as it comes up: another run may have made it meanwhile.
    if (await store.hold(place)) continue;
    missing.push(place);
    if (missing.length < together) continue;
    await invertThese(missing);
    missing = [];
  }
  if (missing.length > 0) await invertThese(missing);
  if (trajectories) await trimFolder(trajectories, trajectoryBytes);
  return store;
}

/** Changes with the layout of the files. */
const FORMAT = 1;

/** sha256 of all that decides a trajectory, as hex. An image alone depends on neither prompt nor inversion. */
function keyOf(
  { hash, unet, vae, texts, sceneGraph, zerosForEmpty, scheduler }: DiffusionModel,
  { objective, inversionSteps, guidance }: PairTrainSettings,
  states: readonly number[],
  { sha256, prompt }: TrainCandidate,
): string {
  const ofImage = [FORMAT, hash, vae?.config, sha256];
  const configs = [unet, ...texts, sceneGraph].map((network) => network?.config);
  const about =
    OBJECTIVE[objective].states === 'inverted'
      ? [...ofImage, configs, zerosForEmpty, scheduler, inversionSteps, guidance, states, prompt]
      : ofImage;
  return createHash('sha256').update(JSON.stringify(about)).digest('hex');
}

/** aBar of the states of an inversion: that of the image, then those of the grid. */
function levelsOf(
  { inversionSteps }: PairTrainSettings,
  schedule: Schedule,
  states: readonly number[],
): number[] {
  const grid = inversionTimesteps(schedule, inversionSteps);
  const first = grid[0]! - gridStep(schedule, inversionSteps);
  return states.map((state) => alphaBarAt(schedule, state === 0 ? first : grid[state - 1]!));
}

/** The stored states of the inversion of every row, on the host: of each state [B, values]. */
function invertedStates(
  engine: Engine,
  model: DiffusionModel,
  { guidance, inversionSteps }: PairTrainSettings,
  schedule: Schedule,
  x0: Tensor,
  prompts: readonly Prompt[],
  stored: readonly number[],
): Float32Array[] {
  const prompt = encodePrompts(engine, model, prompts);
  const empty = encodeEmpty(engine, model);
  const { config, weights } = model.unet;
  const predict = guidedPredictor(engine, config, weights, { prompt, empty }, guidance);
  const trajectory = invert(engine, schedule, predict, x0, inversionSteps);
  const states = stored.map((state) => trajectory.states[state]!.dataSync() as Float32Array);
  disposeTrajectory(trajectory);
  for (const condition of [prompt, empty]) disposeCondition(condition);
  return states;
}

/** Pixels in [-1, 1]: [B, S, S, 3]. Throws DIPTYCH_INVALID_INPUT on another size. */
function imageTensor({ tf }: Engine, images: readonly RgbImage[], side: number): Tensor {
  const other = images.find(({ width, height }) => width !== side || height !== side);
  if (other) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `a candidate is ${other.width} x ${other.height} pixels, the model works at ${side} x ${side}`,
    );
  }
  return tf.tensor(toPixels(images), [images.length, side, side, 3], 'float32');
}

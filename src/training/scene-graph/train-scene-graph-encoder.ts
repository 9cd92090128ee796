/**
 * Training of a scene-graph encoder (mengcye/LAION-SG: trainer_laion.py): the diffusion loss on images of an annotation
 * set, with UNet, VAE and text encoders as they are. A step is a function of the settings, its number and the weights,
 * so a run that was stopped and resumed ends with the same bits.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { seededNoise } from '../../diffusion/noise.ts';
import { parseSchedule, type Schedule } from '../../diffusion/schedule.ts';
import { adamW } from '../../engine/adamw.ts';
import type { Engine, Tensor } from '../../engine/engine.ts';
import { createFlatParameters } from '../../engine/flat-parameters.ts';
import { type RgbImage, toPixels } from '../../engine/image.ts';
import { resizeBicubic } from '../../engine/resize.ts';
import type { Weights } from '../../engine/weights.ts';
import { DiptychError } from '../../errors.ts';
import { type DiffusionModel, SCENE_GRAPH_FOLDER } from '../../models/folders/model-folder.ts';
import { toLatents } from '../../models/inputs/latents.ts';
import type { Prompt } from '../../models/inputs/prompt.ts';
import {
  type PromptStates,
  promptStates,
  sceneGraphCondition,
} from '../../models/inputs/scene-graph-condition.ts';
import type { SceneGraphEncoderConfig } from '../../models/scene-graph/scene-graph-encoder-parameters.ts';
import { unetForward } from '../../models/unet/unet.ts';
import { pairBatch } from '../../preference/pairs.ts';
import { createRandom, hashSeed, type Random } from '../../random.ts';
import { readNewestCheckpoint, writeCheckpoint } from '../checkpoints/checkpoint.ts';
import { stateFromNoise } from '../objectives/inversion-dpo.ts';
import { openTelemetry } from '../telemetry/telemetry.ts';
import { claimFolder, writeSceneGraphEncoder, writeSceneGraphModel } from './scene-graph-folders.ts';
import { type SceneGraphSettings, sceneGraphRateAt } from './scene-graph-settings.ts';
import { startingEncoder } from './scene-graph-start.ts';

/** An image and its prompt, which has triples: without them the encoder has no part in the loss. */
export interface GraphImage {
  id: string;
  prompt: Prompt;
  load(): Promise<RgbImage>;
}

export interface SceneGraphTraining {
  engine: Engine;
  model: DiffusionModel;
  settings: SceneGraphSettings;
  images: readonly GraphImage[];
  /** Folder of checkpoints, telemetry and the final model. */
  folder: string;
  /** Called after every step; throws to stop. */
  onStep(telemetry: SceneGraphTelemetry): void | Promise<void>;
}

export interface SceneGraphTelemetry {
  step: number;
  /** Mean square of (predicted - true) noise. */
  loss: number;
  /** Before clipping. */
  gradNorm: number;
  learningRate: number;
  seconds: number;
}

/** Returns the folder of the base model with the trained encoder. */
export async function trainSceneGraphEncoder(training: SceneGraphTraining): Promise<string> {
  const { engine, model, settings, images, folder, onStep } = training;
  const schedule = parseSchedule(model.scheduler);
  checkInput(schedule, images);
  await claimFolder(folder, keyOf(training));
  const { config, specs, weights } = startingEncoder(model, settings.seed);
  const resumed = await readNewestCheckpoint(folder);
  const encoder = createFlatParameters(engine, specs, resumed ?? weights, {
    // open_clip's groups, which LAION-SG took over: what is no matrix does not decay.
    optimizer: adamW({ weightDecay: settings.weightDecay }, ({ shape }) => shape.length > 1),
    maxGradNorm: settings.maxGradNorm,
  });
  const telemetryFile = path.join(folder, 'telemetry.jsonl');
  const record = await openTelemetry<SceneGraphTelemetry>(telemetryFile, resumed?.step ?? 0);
  try {
    for (let step = (resumed?.step ?? 0) + 1; step <= settings.steps; step++) {
      const started = performance.now();
      const chosen = pairBatch(images.length, settings.batch, settings.seed, step - 1).map((i) => images[i]!);
      const random = createRandom(hashSeed('scene-graph-step', settings.seed, step));
      const batch = await loadBatch(engine, model, schedule, chosen, random);
      const learningRate = sceneGraphRateAt(settings, step);
      const { loss, gradNorm } = encoder.step(
        (weights) => ({ loss: noiseLoss(engine, model, config, weights, batch) }),
        learningRate,
      );
      engine.tf.dispose(batch as never);
      checkLoss(loss, step, settings);
      const seconds = (performance.now() - started) / 1000;
      const telemetry = { step, loss, gradNorm, learningRate, seconds };
      record(telemetry);
      if (step % settings.checkpointEvery === 0) {
        await writeCheckpoint(folder, {
          state: encoder.state,
          save: (to) => writeSceneGraphEncoder(path.join(to, SCENE_GRAPH_FOLDER), config, encoder.toHost()),
        });
      }
      await onStep(telemetry);
    }
    const trained = path.join(folder, 'model');
    await writeSceneGraphModel(trained, model.folder, config, encoder.toHost());
    return trained;
  } finally {
    encoder.dispose();
  }
}

/** Noised images and what the UNet is to say about them, one row an image. */
export interface NoisedBatch {
  /** [B, S, S, C] at timesteps [B]. */
  states: Tensor;
  timesteps: Tensor;
  /** The noise in them, which is to be predicted. */
  noise: Tensor;
  prompts: PromptStates;
}

/** Timesteps are drawn uniformly from the whole schedule. The caller disposes the batch (tf.dispose). */
async function loadBatch(
  engine: Engine,
  model: DiffusionModel,
  { trainSteps, alphaBar }: Schedule,
  chosen: readonly GraphImage[],
  random: Random,
): Promise<NoisedBatch> {
  const { tf } = engine;
  const side = model.imageSide;
  // The whole image, whatever its shape, as LAION-SG does it: a crop could lose what the graph tells of.
  const images = (await Promise.all(chosen.map((image) => image.load()))).map((image) =>
    resizeBicubic(image, side, side),
  );
  const levels = chosen.map(() => random.int(trainSteps));
  const seeds = chosen.map(() => random.int(2 ** 31));
  return tf.tidy(() => {
    const x0 = toLatents(
      engine,
      model,
      tf.tensor(toPixels(images), [images.length, side, side, 3], 'float32'),
    );
    const noise = seededNoise(tf, seeds, x0.shape.slice(1));
    const states = stateFromNoise(
      tf,
      x0,
      noise,
      levels.map((t) => alphaBar[t]!),
    );
    const timesteps = tf.tensor1d(levels, 'float32') as Tensor;
    const prompts = promptStates(
      engine,
      model,
      chosen.map(({ prompt }) => prompt),
    );
    return { states, timesteps, noise, prompts } as never;
  }) as NoisedBatch;
}

/** Mean square of (predicted - true) noise: a scalar, differentiable in the encoder's weights. */
export function noiseLoss(
  engine: Engine,
  { unet }: DiffusionModel,
  config: SceneGraphEncoderConfig,
  weights: Weights,
  { states, timesteps, noise, prompts }: NoisedBatch,
): Tensor {
  const condition = sceneGraphCondition(engine, config, weights, prompts);
  const predicted = unetForward(engine, unet.config, unet.weights, states, timesteps, condition);
  return predicted.sub(noise).square().mean();
}

/** What the weights after a given step depend on. */
function keyOf({ model, settings, images }: SceneGraphTraining): string {
  // How often it is saved changes no weight.
  const { checkpointEvery: _, ...rest } = settings;
  const about = [model.hash, model.scheduler, rest, images.map(({ id, prompt }) => [id, prompt])];
  return createHash('sha256').update(JSON.stringify(about)).digest('hex');
}

function checkInput(schedule: Schedule, images: readonly GraphImage[]): void {
  if (schedule.predictionType !== 'epsilon') {
    throw new DiptychError(
      'DIPTYCH_BAD_MODEL',
      `the model predicts "${schedule.predictionType}"; training a scene-graph encoder needs "epsilon"`,
    );
  }
  if (images.length === 0) {
    throw new DiptychError('DIPTYCH_INVALID_INPUT', 'there is no image whose annotation has a relation');
  }
}

function checkLoss(loss: number, step: number, { learningRate }: SceneGraphSettings): void {
  if (Number.isFinite(loss)) return;
  throw new DiptychError(
    'DIPTYCH_INVALID_INPUT',
    `the loss is ${loss} at step ${step}; lower the learning rate (${learningRate})`,
  );
}

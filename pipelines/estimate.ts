/**
 * What a run will take, before it is asked for: images, operations of the diffusion model, memory and disk. Text
 * encoders and scorers are not counted: beside dozens of UNet passes an image they are a few percent.
 */
import { parseSchedule } from '../src/diffusion/schedule.ts';
import { DiptychError } from '../src/errors.ts';
import {
  backwardBytes,
  forwardBytes,
  imagesAtOnce,
  unetCost,
  vaeDecodeCost,
  vaeEncodeCost,
} from '../src/models/folders/cost.ts';
import { inspectFolder } from '../src/models/folders/inspect.ts';
import { readConfig } from '../src/models/folders/model-folder.ts';
import { UNET, VAE } from '../src/models/folders/network-kinds.ts';
import { trainingWeightBytes, weightBytes } from '../src/models/folders/weight-memory.ts';
import { createRandom } from '../src/random.ts';
import { frozenBy } from '../src/training/freeze.ts';
import { ON_POLICY } from '../src/training/on-policy/objective.ts';
import { OBJECTIVE } from '../src/training/pairs/objective.ts';
import { planRows, storedStates } from '../src/training/pairs/rows.ts';
import { DEFAULT_ON_POLICY, isOnPolicy } from '../src/training/settings.ts';
import type { RunKind, RunSettings } from './settings.ts';

export interface RunEstimate {
  images: number;
  /** Floating-point operations by what they are for. */
  work: { name: string; flops: number }[];
  /** Bytes: the most that the process of each worker holds in weights and activations. */
  memory: { generate: number; train: number };
  /** Bytes. Images are counted at the size of a photograph's PNG. */
  disk: { images: number; trajectories: number; models: number };
}

/** A PNG of a photograph takes about half of its pixels' bytes. */
const PNG_BYTES_PER_PIXEL = 1.5;
/** The newest two checkpoints and the result; the best checkpoint is one more. */
const KEPT_MODELS = 3;
const HALF_BYTES = 2;
/** A backward pass costs two forward ones; where blocks are recomputed, one more. */
const [TRAIN_PASSES, RECOMPUTED_PASSES] = [3, 4];

/** @param folder of the diffusion model. Throws DIPTYCH_BAD_MODEL when its configs can't be read. */
export async function estimateRun(
  kind: RunKind,
  settings: RunSettings,
  annotations: number,
  folder: string,
): Promise<RunEstimate> {
  const model = await readModel(folder);
  const { train, sampling, evaluation } = settings;
  const heldOut = Math.round(annotations * settings.heldOutFraction);
  const curated = (annotations - heldOut) * settings.candidates;
  const { validation } = train;
  const inPairs = Math.max(0, curated - (validation?.annotations ?? 0) * settings.candidates);
  const measured = validation ? validation.annotations * (1 + Math.ceil(train.steps / validation.every)) : 0;
  const compared = 2 * heldOut * evaluation.samples;
  const has = (...kinds: RunKind[]) => kinds.includes(kind);

  const passes = (guidance: number) => (guidance === 1 ? 1 : 2);
  const drawing = sampling.steps * passes(sampling.guidance) * model.unet.flops + model.decode;
  const pass = passes(train.guidance) * model.unet.flops;
  // A demon predicts and decodes an image for each of its noises in every step.
  const trial = passes(sampling.guidance) * model.unet.flops + model.decode;
  const tunedDrawing = drawing + sampling.steps * (evaluation.demon?.noises ?? 0) * trial;
  const source = rowSource(settings, model.scheduler);
  const inverting = source.inverted * pass + model.encode;
  const rows = 2 * train.pairsPerStep * source.rowsPerPair;
  const ownPasses = train.gradientCheckpointing ? RECOMPUTED_PASSES : TRAIN_PASSES;
  const step = rows * (ownPasses + source.otherPasses) * pass;
  const { samplingSteps, scenesPerRound, stepsPerRound } = train.onPolicy ?? DEFAULT_ON_POLICY;
  const rounds = Math.ceil(train.steps / stepsPerRound);
  const drawn = rounds * 2 * scenesPerRound * (samplingSteps * pass + model.decode);

  const curates = has('curate', 'curate-then-train');
  const trains = has('train', 'curate-then-train');
  const evaluates = has('evaluate', 'curate-then-train');
  const work = [
    ...(curates ? [{ name: 'generate', flops: curated * drawing }] : []),
    ...(trains && !source.draws ? [{ name: 'train: invert', flops: inPairs * inverting }] : []),
    ...(trains && source.draws ? [{ name: 'train: draw', flops: drawn }] : []),
    ...(trains ? [{ name: 'train: steps', flops: train.steps * step }] : []),
    ...(trains && validation ? [{ name: 'train: validate', flops: measured * drawing }] : []),
    ...(evaluates ? [{ name: 'evaluate: generate', flops: (compared / 2) * (drawing + tunedDrawing) }] : []),
  ];
  const images = (curates ? curated : 0) + (evaluates ? compared : 0);
  const batch = imagesAtOnce(model.config, sampling.guidance) * passes(sampling.guidance);
  const weights = weightBytes(model.specs);
  const atOnce = rows / train.accumulate;
  const activations = Math.max(
    train.gradientCheckpointing ? forwardBytes(model.unet, atOnce) : backwardBytes(model.unet, atOnce),
    validation ? forwardBytes(model.unet, batch) : 0,
  );
  const isFrozen = frozenBy(train.freeze ?? []);
  const trained = model.unetSpecs.filter(({ name }) => !isFrozen(name));
  const { sampleSize, inChannels } = model.config;
  return {
    images,
    work,
    memory: {
      generate: images > 0 ? weights + forwardBytes(model.unet, batch) : 0,
      train: trains ? weights + trainingWeightBytes(trained, train.lora, vectorsOf(train)) + activations : 0,
    },
    disk: {
      images: images * PNG_BYTES_PER_PIXEL * model.imageSide ** 2,
      trajectories: trains ? inPairs * source.stored * HALF_BYTES * sampleSize ** 2 * inChannels : 0,
      models: trains ? (KEPT_MODELS + (validation ? 1 : 0)) * weightBytes(model.unetSpecs) : 0,
    },
  };
}

/** Vectors as long as the parameters: themselves, a gradient, or two where they are added up, moments, an average. */
function vectorsOf({ optimizer, accumulate, ema }: RunSettings['train']): number {
  // What Adafactor keeps of its second moment is a whole one at most.
  const moments = optimizer === 'adamw' ? 2 : 1;
  return 2 + moments + (accumulate > 1 ? 1 : 0) + (ema === undefined ? 0 : 1);
}

/** What a folder's configs and headers say; no weight is read. */
async function readModel(folder: string) {
  const { parts } = await inspectFolder(folder);
  const named = (name: string) => parts.find((part) => part.name === name);
  const unet = named('unet');
  if (!unet)
    throw new DiptychError('DIPTYCH_BAD_MODEL', `${folder} has no UNet; name a text-to-image folder`);
  const config = UNET.parse(await readConfig(folder, 'unet', 'config.json'));
  const vae = named('vae') && VAE.parse(await readConfig(folder, 'vae', 'config.json'));
  const imageSide = config.sampleSize * (vae?.factor ?? 1);
  return {
    config,
    specs: parts.flatMap(({ specs }) => specs),
    unetSpecs: unet.specs,
    unet: unetCost(config),
    encode: vae ? vaeEncodeCost(vae, imageSide).flops : 0,
    decode: vae ? vaeDecodeCost(vae, config.sampleSize).flops : 0,
    imageSide,
    scheduler: await readConfig(folder, 'scheduler', 'scheduler_config.json'),
  };
}

/** Where the rows of an optimizer step come from, and what they cost beside the policy's own passes. */
function rowSource({ train, seed }: RunSettings, scheduler: Record<string, unknown>) {
  const { objective, inversionSteps } = train;
  if (isOnPolicy(objective)) {
    const otherPasses = ON_POLICY[objective].ratioTo === 'reference' ? 1 : 0;
    return {
      draws: true,
      inverted: 0,
      stored: 0,
      rowsPerPair: (train.rowsPerPair ?? 1) as number,
      otherPasses,
    };
  }
  const { states } = OBJECTIVE[objective];
  // The reference's, and those of an inversion by the policy itself, to the top at most.
  const rising = states === 'self-inverted' ? inversionSteps * (objective === 'smpo' ? 2 : 1) : 0;
  const [given, schedule] = [{ ...train, objective, seed }, parseSchedule(scheduler)] as const;
  const rows = planRows(given, schedule, createRandom(seed));
  return {
    draws: false,
    inverted: states === 'inverted' ? inversionSteps : 0,
    /** States of each image that are kept. */
    stored: storedStates(given, schedule).length,
    /** Of each image: one, or a whole trajectory. */
    rowsPerPair: rows.length,
    otherPasses: 1 + rising,
  };
}

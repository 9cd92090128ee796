/** A diffusion model of a few thousand random weights, images and pairs for it: small enough to train in a test. */
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Engine } from '../../src/engine/engine.ts';
import { type HostTensor, readTensors, writeSafetensors } from '../../src/engine/safetensors.ts';
import type { ParameterSpec } from '../../src/engine/weights.ts';
import { clipTextParameters, parseClipTextConfig } from '../../src/models/clip/clip-text.ts';
import { type DiffusionModel, loadDiffusionModel } from '../../src/models/folders/model-folder.ts';
import { textPrompt } from '../../src/models/inputs/prompt.ts';
import { parseUNetConfig } from '../../src/models/unet/unet-config.ts';
import { unetParameters } from '../../src/models/unet/unet-parameters.ts';
import type { Pair } from '../../src/preference/pairs.ts';
import { createRandom, hashSeed } from '../../src/random.ts';
import type { Judge, Scene } from '../../src/training/judge.ts';
import { DEFAULT_TRAIN, type PairTrainSettings, type TrainSettings } from '../../src/training/settings.ts';
import type { LoopTelemetry, PairTelemetry, StepTelemetry } from '../../src/training/telemetry/telemetry.ts';
import type { TrainCandidate, TrainOptions } from '../../src/training/train.ts';

/** Pixels of a side of the tiny model's images. */
export const SIDE = 8;
const TOKENS = 8;
const TOKENIZER = path.resolve(import.meta.dirname, '../../models/sample/diffusion/tokenizer');

const UNET = {
  sample_size: SIDE,
  in_channels: 3,
  out_channels: 3,
  down_block_types: ['DownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'UpBlock2D'],
  block_out_channels: [8, 8],
  layers_per_block: 1,
  norm_num_groups: 4,
  cross_attention_dim: 8,
  attention_head_dim: 2,
  use_linear_projection: true,
};
const TEXT = {
  architectures: ['CLIPTextModel'],
  hidden_size: 8,
  intermediate_size: 16,
  num_attention_heads: 2,
  num_hidden_layers: 1,
  max_position_embeddings: TOKENS,
  vocab_size: 574,
  eos_token_id: 573,
};
export const TINY_SCHEDULER = { beta_schedule: 'scaled_linear', clip_sample: false, steps_offset: 1 };

/** Writes the model in diffusers layout and returns its folder. */
export async function tinyModelFolder(folder: string, scheduler = {}): Promise<string> {
  const json = (...names: string[]) => path.join(folder, ...names);
  for (const part of ['unet', 'text_encoder', 'scheduler'])
    await mkdir(path.join(folder, part), { recursive: true });
  await writeFile(json('unet', 'config.json'), JSON.stringify(UNET));
  await writeFile(json('text_encoder', 'config.json'), JSON.stringify(TEXT));
  await writeFile(
    json('scheduler', 'scheduler_config.json'),
    JSON.stringify({ ...TINY_SCHEDULER, ...scheduler }),
  );
  await writeFile(json('model_index.json'), JSON.stringify({ _class_name: 'StableDiffusionPipeline' }));
  await cp(TOKENIZER, json('tokenizer'), { recursive: true });
  const tokenizer = json('tokenizer', 'tokenizer_config.json');
  const config = JSON.parse(await readFile(tokenizer, 'utf8')) as Record<string, unknown>;
  await writeFile(tokenizer, JSON.stringify({ ...config, model_max_length: TOKENS }));
  await writeSafetensors(
    json('unet', 'diffusion_pytorch_model.safetensors'),
    randomWeights(unetParameters(parseUNetConfig(UNET))),
  );
  await writeSafetensors(
    json('text_encoder', 'model.safetensors'),
    randomWeights(clipTextParameters(parseClipTextConfig(TEXT))),
  );
  return folder;
}

/** Normal with the variance that keeps activations at their size; norms near the identity. */
function randomWeights(specs: readonly ParameterSpec[]): Record<string, HostTensor> {
  return Object.fromEntries(
    specs.map(({ name, shape, kind }): [string, HostTensor] => {
      const random = createRandom(hashSeed('tiny', name));
      const inner = shape.slice(1).reduce((n, d) => n * d, 1);
      const scale = kind === 'vector' ? 0.1 : kind === 'embedding' ? 1 : 1 / Math.sqrt(inner);
      const middle = kind === 'vector' && name.endsWith('.weight') ? 1 : 0;
      const length = shape.reduce((n, d) => n * d, 1);
      const data = Float32Array.from({ length }, () => middle + scale * random.normal());
      return [name, { shape, dtype: 'float32', data }];
    }),
  );
}

export async function tinyModel(engine: Engine, folder: string, scheduler = {}): Promise<DiffusionModel> {
  return loadDiffusionModel(engine, await tinyModelFolder(path.join(folder, 'base'), scheduler));
}

/** A picture of one grey level with some grain; even numbers are bright, odd ones dark. */
export function tinyImage(number: number, side = SIDE) {
  const random = createRandom(hashSeed('tiny image', number));
  const level = number % 2 === 0 ? 190 : 60;
  const data = Uint8Array.from({ length: 3 * side * side }, () => level + random.int(41) - 20);
  return { width: side, height: side, data };
}

export function tinyCandidates(count: number): TrainCandidate[] {
  const prompts = ['red circle', 'blue square', 'green cross'];
  return Array.from({ length: count }, (_, i) => ({
    id: `c${i}`,
    prompt: textPrompt(prompts[Math.floor(i / 2) % prompts.length]!),
    sha256: `sha-${i}`,
    load: async () => tinyImage(i),
  }));
}

/** Candidates 2i and 2i + 1, the bright one as winner. */
export function tinyPairs(count: number): Pair[] {
  return Array.from({ length: count }, (_, i) => ({
    annotationId: `a${i}`,
    winner: `c${2 * i}`,
    loser: `c${2 * i + 1}`,
    winnerReward: 1,
    loserReward: 0,
    margin: 1,
    policy: 'all',
    tie: false,
    votes: null,
  }));
}

/** Finds bright images good, and says of the last scene nothing about its colour. */
export const tinyJudge: Judge = async (scenes, images) =>
  images.map(({ data }, i) => {
    const bright = data.reduce((sum, byte) => sum + byte / 255, 0) / data.length;
    const red = data.filter((_, j) => j % 3 === 0).reduce((sum, byte) => sum + byte / 255, 0);
    return { metrics: { bright, ...(scenes[i]!.id !== 'v2' && { red }) }, reward: 2 * bright };
  });

export const TINY_TRAIN: PairTrainSettings = {
  ...DEFAULT_TRAIN,
  beta: 2000,
  guidance: 1,
  inversionSteps: 6,
  stride: 2,
  pairsPerStep: 2,
  steps: 2,
  warmUp: 2,
  learningRate: 1e-3,
  checkpointEvery: 2,
};

/** Three scenes to draw. */
export const TINY_SCENES: Scene[] = ['red circle', 'blue square', 'green cross'].map((text, i) => ({
  id: `v${i}`,
  prompt: textPrompt(text),
}));

/** Likes bright images: the mean of all values, 0 to 1. */
export const likesBright: Judge = async (_, images) =>
  images.map(({ data }) => {
    const brightness = data.reduce((sum, x) => sum + x, 0) / data.length / 255;
    return { metrics: { brightness }, reward: brightness };
  });

/** A run over `pairs` pairs with the tiny settings, overridden by `settings`. */
export function tinyRun(
  engine: Engine,
  model: DiffusionModel,
  folder: string,
  settings: Partial<TrainSettings> = {},
  pairs = 3,
): TrainOptions {
  return {
    engine,
    model,
    folder,
    settings: { ...TINY_TRAIN, ...settings },
    candidates: tinyCandidates(2 * pairs),
    pairs: tinyPairs(pairs),
    scenes: TINY_SCENES,
    judge: tinyJudge,
    validation: { scenes: TINY_SCENES, sampling: { steps: 3, guidance: 2 } },
    onProgress() {},
  };
}

type OfRun<Outcome> = Omit<LoopTelemetry, 'at' | 'seconds' | 'tensors'> & Outcome;

/** The telemetry file, every line of which must be whole; without what is of the process, not of the run. */
export async function telemetryOf<Outcome = PairTelemetry>(folder: string): Promise<OfRun<Outcome>[]> {
  const text = await readFile(path.join(folder, 'telemetry.jsonl'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { at: _, seconds: __, tensors: ___, ...rest } = JSON.parse(line) as StepTelemetry;
      return rest as unknown as OfRun<Outcome>;
    });
}

/** Bytes of the tuned UNet. */
export const tunedWeights = (folder: string, model = 'model') =>
  readFile(path.join(folder, model, 'unet', 'diffusion_pytorch_model.safetensors'));

/** The tensors of a safetensors file as plain arrays. */
export async function tensorsOf(file: string): Promise<Record<string, number[]>> {
  const tensors = await readTensors(file);
  return Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, [...data]]));
}

/** Names of the checkpoints of a run, sorted. */
export const checkpointsOf = async (folder: string) =>
  (await readdir(path.join(folder, 'checkpoints'))).sort();

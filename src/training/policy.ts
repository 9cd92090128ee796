/**
 * The model that is trained: a UNet all of whose weights move, or the reference's with a LoRA on top. Either way a
 * step minimises a loss of the UNet's weights.
 */
import path from 'node:path';
import { adamW } from '../engine/adamw.ts';
import type { Engine } from '../engine/engine.ts';
import { createFlatParameters, type FlatParameters, type FlatState } from '../engine/flat-parameters.ts';
import { type ParameterSpec, toHost, type Weights } from '../engine/weights.ts';
import {
  ATTENTION_LAYERS,
  adaptableWeights,
  initialLora,
  type LoraConfig,
  loraConfig,
  loraParameters,
  loraTargets,
  withLora,
} from '../models/lora.ts';
import { saveLora } from '../models/lora-files.ts';
import type { DiffusionModel } from '../models/model-folder.ts';
import { createRandom, hashSeed } from '../random.ts';
import type { LoraSettings, TrainSettings } from './settings.ts';
import { writeModel } from './tuned-model.ts';

export interface Policy extends Pick<FlatParameters, 'step' | 'state' | 'dispose'> {
  /** Writes what a checkpoint is to be used by: `model`, or the LoRA alone. */
  save(folder: string): Promise<void>;
  /** Writes what the run is about: `model`, and the LoRA where there is one. */
  finish(folder: string): Promise<TunedFiles>;
}

export interface TunedFiles {
  /** The tuned model's folder, diffusers layout; a LoRA is merged into it. */
  model: string;
  /** The LoRA's file, as diffusers' load_lora_weights reads it. */
  lora?: string;
}

type PolicySettings = Pick<TrainSettings, 'lora' | 'seed' | 'weightDecay' | 'maxGradNorm'>;

/** The name that load_lora_weights looks for in a folder. */
const LORA_FILE = 'pytorch_lora_weights.safetensors';

/** Begins as the reference, or goes on from the state of an earlier run with the same settings. */
export function createPolicy(
  engine: Engine,
  model: DiffusionModel,
  settings: PolicySettings,
  resumed: FlatState | null,
): Policy {
  return settings.lora
    ? loraPolicy(engine, model, settings, settings.lora, resumed)
    : fullPolicy(engine, model, settings, resumed);
}

function fullPolicy(
  engine: Engine,
  { folder: base, unet: { specs, weights } }: DiffusionModel,
  settings: PolicySettings,
  resumed: FlatState | null,
): Policy {
  const flat = createFlatParameters(engine, specs, resumed ?? toHost(weights, specs), flatSettings(settings));
  const save = (folder: string) => writeModel(path.join(folder, 'model'), base, flat.toHost());
  return {
    ...flat,
    save,
    async finish(folder) {
      await save(folder);
      return { model: path.join(folder, 'model') };
    },
  };
}

function loraPolicy(
  engine: Engine,
  { folder: base, unet: { specs, weights: reference } }: DiffusionModel,
  settings: PolicySettings,
  lora: LoraSettings,
  resumed: FlatState | null,
): Policy {
  const config = configOf(specs, lora);
  const start = resumed ?? initialLora(config, createRandom(hashSeed('lora', settings.seed)));
  const flat = createFlatParameters(engine, loraParameters(config), start, flatSettings(settings));
  const merged = (parameters: Weights) => withLora(engine, config, reference, parameters);
  const save = (folder: string) => saveLora(path.join(folder, LORA_FILE), config, flat.toHost());
  return {
    ...flat,
    step: (loss, learningRate) => flat.step((parameters) => loss(merged(parameters)), learningRate),
    save,
    async finish(folder) {
      await save(folder);
      let unet: ReturnType<typeof toHost> = {};
      engine.tf.tidy(() => {
        unet = toHost(merged(flat.weights()), specs);
      });
      await writeModel(path.join(folder, 'model'), base, unet);
      return { model: path.join(folder, 'model'), lora: path.join(folder, LORA_FILE) };
    },
  };
}

function configOf(
  specs: readonly ParameterSpec[],
  { rank, alpha = rank, convolutions }: LoraSettings,
): LoraConfig {
  const attention = loraTargets(specs, ATTENTION_LAYERS);
  const targets = convolutions
    ? adaptableWeights(specs).filter((spec) => spec.kind === 'conv' || attention.includes(spec))
    : attention;
  return loraConfig(targets, rank, alpha);
}

const flatSettings = ({ weightDecay, maxGradNorm }: PolicySettings) => ({
  optimizer: adamW({ weightDecay }),
  maxGradNorm,
});

/**
 * The model that is trained: a UNet all of whose weights move, or the reference's with a LoRA on top. Either way a
 * step minimises a loss of the UNet's weights.
 */
import path from 'node:path';
import { adafactor } from '../engine/adafactor.ts';
import { adamW } from '../engine/adamw.ts';
import { withEma } from '../engine/ema.ts';
import type { Engine } from '../engine/engine.ts';
import {
  createFlatParameters,
  type FlatParameters,
  type FlatState,
  type LossOfInputs,
  type Stepper,
} from '../engine/flat-parameters.ts';
import type { TensorTree } from '../engine/tensor-tree.ts';
import { type ParameterSpec, toHost, type Weights } from '../engine/weights.ts';
import { LORA_FILE, saveLora } from '../models/folders/lora-files.ts';
import type { DiffusionModel } from '../models/folders/model-folder.ts';
import {
  ATTENTION_LAYERS,
  adaptableWeights,
  initialLora,
  type LoraConfig,
  loraConfig,
  loraParameters,
  loraTargets,
  withLora,
} from '../models/unet/lora.ts';
import { createRandom, hashSeed } from '../random.ts';
import { writeModel } from './checkpoints/tuned-model.ts';
import { frozenBy } from './freeze.ts';
import type { LoraSettings, TrainSettings } from './settings.ts';

export interface Policy extends Pick<FlatParameters, 'stepper' | 'state' | 'dispose'> {
  /** The UNet's weights as they are trained; the caller disposes them. */
  weights(): Weights;
  /** The same of the tuned model that `finish` would write now: the average where one is kept. */
  tuned(): Weights;
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

type PolicySettings = Pick<
  TrainSettings,
  'lora' | 'seed' | 'optimizer' | 'weightDecay' | 'maxGradNorm' | 'ema' | 'freeze'
>;

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
  const isFrozen = frozenBy(settings.freeze ?? []);
  const trained = specs.filter(({ name }) => !isFrozen(name));
  const frozen = specs.filter(({ name }) => isFrozen(name));
  const start = resumed ?? toHost(weights, trained);
  const flat = createFlatParameters(engine, trained, start, flatSettings(settings));
  // The reference's own tensors: to the gradient they are constants.
  const still = Object.fromEntries(frozen.map(({ name }) => [name, weights[name]!]));
  const withFrozen = (parameters: Weights, still: Weights): Weights => ({ ...still, ...parameters });
  const save = (folder: string) =>
    writeModel(path.join(folder, 'model'), base, { ...toHost(weights, frozen), ...flat.toHost() });
  return {
    ...flat,
    weights: () => engine.tf.tidy(() => owned(withFrozen(flat.weights(), still))),
    tuned: () => engine.tf.tidy(() => owned(withFrozen(flat.tuned(), still))),
    ...stepsOn(flat, still, withFrozen),
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
  const merged = (parameters: Weights, base = reference) => withLora(engine, config, base, parameters);
  const save = (folder: string) => saveLora(path.join(folder, LORA_FILE), config, flat.toHost());
  return {
    ...flat,
    weights: () => engine.tf.tidy(() => owned(merged(flat.weights()))),
    tuned: () => engine.tf.tidy(() => owned(merged(flat.tuned()))),
    ...stepsOn(flat, reference, merged),
    save,
    async finish(folder) {
      await save(folder);
      let unet: ReturnType<typeof toHost> = {};
      engine.tf.tidy(() => {
        unet = toHost(merged(flat.tuned()), specs);
      });
      await writeModel(path.join(folder, 'model'), base, unet);
      return { model: path.join(folder, 'model'), lora: path.join(folder, LORA_FILE) };
    },
  };
}

/** Steps on losses of the UNet's weights, which `unet` makes of the parameters and of the weights that stay. */
function stepsOn(
  flat: FlatParameters,
  still: Weights,
  unet: (parameters: Weights, still: Weights) => Weights,
): Pick<FlatParameters, 'stepper'> {
  return {
    stepper<I extends TensorTree>(loss: LossOfInputs<I>): Stepper<I> {
      const step = flat.stepper((parameters, given: { still: Weights; inputs: I }) =>
        loss(unet(parameters, given.still), given.inputs),
      );
      return (all, learningRate) =>
        step(
          all.map((inputs) => ({ still, inputs })),
          learningRate,
        );
    },
  };
}

/** Tensors of one's own, to be disposed without those of the reference among them. */
const owned = (weights: Weights): Weights =>
  Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [name, tensor.clone()]));

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

function flatSettings({ optimizer, weightDecay, maxGradNorm, ema }: PolicySettings) {
  const rule = optimizer === 'adafactor' ? adafactor({ weightDecay }) : adamW({ weightDecay });
  return { optimizer: ema === undefined ? rule : withEma(rule, ema), maxGradNorm };
}

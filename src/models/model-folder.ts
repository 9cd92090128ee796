/** Model folders as diffusers and transformers lay them out, read into networks with their weights. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Engine, Tensor } from '../engine/engine.ts';
import { hashFiles } from '../engine/safetensors.ts';
import { disposeWeights, loadWeights, type ParameterSpec, type Weights } from '../engine/weights.ts';
import { asError, DiptychError } from '../errors.ts';
import { type ClipConfig, clipParameters, parseClipConfig } from './clip.ts';
import {
  type ClipTextConfig,
  clipTextForward,
  clipTextParameters,
  parseClipTextConfig,
  textAlias,
} from './clip-text.ts';
import { type ClipTokenizer, loadTokenizer } from './tokenizer.ts';
import { parseUNetConfig, type UNetConfig } from './unet-config.ts';
import { unetParameters } from './unet-parameters.ts';
import { weightFiles } from './weight-files.ts';

export interface Network<Config> {
  config: Config;
  specs: ParameterSpec[];
  weights: Weights;
}

/** A text-to-image model in diffusers layout. */
export interface DiffusionModel {
  folder: string;
  /** sha256 over all weight files: which model made an image. */
  hash: string;
  unet: Network<UNetConfig>;
  text: Network<ClipTextConfig>;
  tokenizer: ClipTokenizer;
  /** scheduler/scheduler_config.json as it stands. */
  scheduler: Record<string, unknown>;
  dispose(): void;
}

export interface ClipModel extends Network<ClipConfig> {
  folder: string;
  hash: string;
  tokenizer: ClipTokenizer;
  /** preprocessor_config.json as it stands. */
  preprocessor: Record<string, unknown>;
  dispose(): void;
}

const unetFiles = (folder: string) => weightFiles(path.join(folder, 'unet'), 'diffusion_pytorch_model');
const textFiles = (folder: string) => weightFiles(path.join(folder, 'text_encoder'), 'model');

export async function loadDiffusionModel(engine: Engine, folder: string): Promise<DiffusionModel> {
  const unetConfig = parseUNetConfig(await readConfig(folder, 'unet', 'config.json'));
  const textConfig = parseClipTextConfig(await readConfig(folder, 'text_encoder', 'config.json'));
  const unetSpecs = unetParameters(unetConfig);
  const textSpecs = clipTextParameters(textConfig);
  const unet = await loadWeights(engine, await unetFiles(folder), unetSpecs);
  const text = await loadWeights(engine, await textFiles(folder), textSpecs, { alias: textAlias });
  return {
    folder,
    hash: await diffusionModelHash(folder),
    unet: { config: unetConfig, specs: unetSpecs, weights: unet },
    text: { config: textConfig, specs: textSpecs, weights: text },
    tokenizer: await loadTokenizer(path.join(folder, 'tokenizer')),
    scheduler: await readConfig(folder, 'scheduler', 'scheduler_config.json'),
    dispose() {
      disposeWeights(unet);
      disposeWeights(text);
    },
  };
}

/** sha256 over the weight files of a diffusion model folder, without loading them. */
export async function diffusionModelHash(folder: string): Promise<string> {
  return hashFiles([...(await unetFiles(folder)), ...(await textFiles(folder))]);
}

export async function loadClipModel(engine: Engine, folder: string): Promise<ClipModel> {
  const config = parseClipConfig(await readConfig(folder, 'config.json'));
  const specs = clipParameters(config);
  const files = await weightFiles(folder, 'model');
  const weights = await loadWeights(engine, files, specs);
  return {
    folder,
    hash: await hashFiles(files),
    config,
    specs,
    weights,
    tokenizer: await loadTokenizer(folder),
    preprocessor: await readConfig(folder, 'preprocessor_config.json'),
    dispose: () => disposeWeights(weights),
  };
}

/** Text states [B, L, D] that the UNet attends to; the caller disposes them. */
export function encodePrompts(engine: Engine, model: DiffusionModel, prompts: readonly string[]): Tensor {
  const ids = prompts.map((prompt) => model.tokenizer.encode(prompt));
  return engine.tf.tidy(() => clipTextForward(engine, model.text.config, model.text.weights, ids).last);
}

async function readConfig(folder: string, ...names: string[]): Promise<Record<string, unknown>> {
  const file = path.join(folder, ...names);
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  } catch (thrown) {
    throw new DiptychError('DIPTYCH_BAD_MODEL', `can't read ${file}: ${asError(thrown).message}`, {
      cause: thrown,
    });
  }
}

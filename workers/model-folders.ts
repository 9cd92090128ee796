/** Model names of run settings to folders. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { RunSettings } from '../pipelines/settings.ts';
import { DiptychError } from '../src/errors.ts';
import type { ModelFiles } from '../src/models/folders/fused-model.ts';
import { LORA_FILE } from '../src/models/folders/lora-files.ts';
import type { ScorerFolders } from './numeric/scorers.ts';

const SAMPLE = path.resolve(import.meta.dirname, '..', 'models', 'sample');

/** "sample", or a folder of the user's. Throws DIPTYCH_INVALID_INPUT when there is no such folder. */
export function modelFolder(name: string, kind: 'diffusion' | 'clip'): string {
  if (name === 'sample') return path.join(SAMPLE, kind);
  const layout = kind === 'clip' ? 'transformers' : 'diffusers';
  return givenFolder(name, `"sample" or the absolute path of a folder in ${layout} layout`);
}

/** The same, or the folder of a LoRA, such as a checkpoint of a run that trains one: it is laid over `base`. */
export function modelFiles(name: string, base: string): ModelFiles {
  const lora = path.join(name, LORA_FILE);
  if (!path.isAbsolute(name) || existsSync(path.join(name, 'unet')) || !existsSync(lora))
    return { model: modelFolder(name, 'diffusion') };
  return { model: modelFolder(base, 'diffusion'), lora };
}

/** `answers`: the folder where answers of vision endpoints are kept. */
export function scorerFolders(
  { clip, pick, scoring }: Pick<RunSettings, 'clip' | 'pick' | 'scoring'>,
  answers: string,
): ScorerFolders {
  const reader = (name: string, what: string) =>
    name === 'sample' ? null : givenFolder(name, `"sample" or the absolute path of ${what}`);
  const optional = (name: string | undefined) =>
    name === undefined ? undefined : givenFolder(name, 'the absolute path of a folder (docs/models.md)');
  const { answerer, detector, hps, aesthetic, imageReward, endpoint } = scoring;
  return {
    clip: modelFolder(clip, 'clip'),
    pick: modelFolder(pick, 'clip'),
    answerer: reader(answerer, 'a BLIP-VQA folder'),
    detector: reader(detector, 'an OWL-ViT folder'),
    hps: optional(hps),
    aesthetic: optional(aesthetic),
    imageReward: optional(imageReward),
    endpoint,
    answers,
  };
}

const givenFolder = (name: string, use: string): string => givenPath('model', name, use);

/** A file or folder that a setting names. Throws DIPTYCH_INVALID_INPUT when there is none. */
export function givenPath(what: string, name: string, use: string): string {
  if (path.isAbsolute(name) && existsSync(name)) return name;
  throw new DiptychError('DIPTYCH_INVALID_INPUT', `there is no ${what} "${name}": use ${use}`);
}

/** A model as it lies, or with a LoRA in its UNet, as diffusers' fuse_lora leaves one. */
import { createHash } from 'node:crypto';
import type { Engine } from '../../engine/engine.ts';
import { hashFiles } from '../../engine/file-hash.ts';
import { disposeWeights } from '../../engine/weights.ts';
import { withLora } from '../unet/lora.ts';
import { loadLora } from './lora-files.ts';
import { type DiffusionModel, diffusionModelHash, loadDiffusionModel } from './model-folder.ts';

export interface ModelFiles {
  /** A folder in diffusers layout. */
  model: string;
  /** The file of a LoRA for its UNet. */
  lora?: string;
}

/** Throws DIPTYCH_BAD_MODEL as `loadDiffusionModel` and `loadLora` do. */
export async function loadFused(engine: Engine, files: ModelFiles): Promise<DiffusionModel> {
  const model = await loadDiffusionModel(engine, files.model);
  if (files.lora === undefined) return model;
  const { unet } = model;
  try {
    const { config, weights } = await loadLora(engine, files.lora, unet.specs);
    const replaced = config.targets.map(({ name }) => unet.weights[name]!);
    unet.weights = withLora(engine, config, unet.weights, weights);
    for (const weight of replaced) weight.dispose();
    disposeWeights(weights);
    return { ...model, hash: await fusedHash(files) };
  } catch (thrown) {
    model.dispose();
    throw thrown;
  }
}

/** sha256 over all that decides its images. */
export async function fusedHash({ model, lora }: ModelFiles): Promise<string> {
  const hash = await diffusionModelHash(model);
  if (lora === undefined) return hash;
  return createHash('sha256')
    .update(`${hash} ${await hashFiles([lora])}`)
    .digest('hex');
}

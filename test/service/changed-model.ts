/** A model that draws other images than the sample model. */
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { readTensors, writeSafetensors } from '../../src/engine/safetensors.ts';

const SAMPLE = path.resolve(import.meta.dirname, '../../models/sample/diffusion');

/** The sample model with weaker predictions, as the model folder `folder`/changed. */
export async function writeChangedModel(folder: string): Promise<string> {
  const changed = path.join(folder, 'changed');
  await cp(SAMPLE, changed, { recursive: true });
  const unet = path.join(changed, 'unet', 'diffusion_pytorch_model.safetensors');
  const weights = await readTensors(unet);
  weights['conv_out.weight']!.data = weights['conv_out.weight']!.data.map((x) => 0.8 * x);
  await writeSafetensors(unet, weights);
  return changed;
}

/** Inception's features of an image that is enlarged and of one that is shrunk. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { decodeImage } from '../../src/engine/png.ts';
import { inceptionFeatures, loadInception } from '../../src/models/inception.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { engine, values } from './tensors.ts';

async function inception(golden: GoldenCase): Promise<void> {
  const model = await loadInception(engine, path.join(golden.folder, 'model', 'inception.safetensors'));
  for (const name of ['small', 'large']) {
    const image = await decodeImage(readFileSync(path.join(golden.folder, `${name}.png`)));
    golden.check(name, values(inceptionFeatures(engine, model, [image])));
  }
  model.dispose();
}

export const components: Record<string, ComponentCheck> = { 'Inception features': inception };

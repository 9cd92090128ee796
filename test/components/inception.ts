/** Inception's features of an image that is enlarged and of one that is shrunk. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { decodeImage } from '../../src/engine/png.ts';
import { inceptionFeatures, loadInception } from '../../src/models/inception/inception.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { engine, values } from './tensors.ts';

async function inception(golden: GoldenCase): Promise<void> {
  const model = await loadInception(engine, path.join(golden.folder, 'model', 'inception.safetensors'));
  const names = ['small', 'large'];
  const images = await Promise.all(
    names.map((name) => decodeImage(readFileSync(path.join(golden.folder, `${name}.png`)))),
  );
  const features = values(inceptionFeatures(engine, model, images));
  const width = features.length / names.length;
  for (const [i, name] of names.entries()) golden.check(name, features.slice(i * width, (i + 1) * width));
  model.dispose();
}

export const components: Record<string, ComponentCheck> = { 'Inception features': inception };

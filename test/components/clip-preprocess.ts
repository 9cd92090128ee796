/** CLIPImageProcessor: every PNG of the case to the model's bytes and pixel values. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { decodeImage } from '../../src/engine/png.ts';
import {
  normalisedPixels,
  parseClipPreprocessor,
  resizeAndCrop,
} from '../../src/models/preprocess/clip-preprocess.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { engine, fromNhwc, readJson } from './tensors.ts';

async function clipPreprocess(golden: GoldenCase): Promise<void> {
  const size = golden.json.size as number;
  const statistics = parseClipPreprocessor(readJson(golden.folder, 'preprocessor_config.json'), size);
  for (const name of Object.keys(golden.output).filter((key) => key.startsWith('pixel_values'))) {
    const suffix = name.slice('pixel_values'.length);
    const image = await decodeImage(readFileSync(path.join(golden.folder, `image${suffix}.png`)));
    const prepared = resizeAndCrop(image, size);
    const bytes = engine.tf.tensor(prepared.data, [1, size, size, 3], 'int32');
    golden.exact(
      `uint8${suffix}`,
      Array.from(fromNhwc(bytes)),
      Array.from(golden.output[`uint8${suffix}`]!.data),
    );
    golden.check(name, fromNhwc(normalisedPixels(engine.tf, [prepared], statistics)));
  }
}

export const components: Record<string, ComponentCheck> = { 'CLIP image preprocessing': clipPreprocess };

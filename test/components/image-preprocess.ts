/** Images of any shape to pixel values: BLIP's and OWL-ViT's squash, torchvision's crop, open_clip's padding. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { decodeImage } from '../../src/engine/png.ts';
import { openClipPreprocessor } from '../../src/models/clip/open-clip.ts';
import {
  CLIP_STATISTICS,
  preparedPixels,
  resizeAndCropToEven,
} from '../../src/models/preprocess/clip-preprocess.ts';
import { parseSquashPreprocessor } from '../../src/models/preprocess/squash-preprocess.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { engine, fromNhwc } from './tensors.ts';

/** As open_clip's config has them. */
const STATISTICS = { mean: CLIP_STATISTICS.image_mean, std: CLIP_STATISTICS.image_std };

async function imagePreprocess(golden: GoldenCase): Promise<void> {
  const side = golden.json.side as number;
  const ways = {
    blip: parseSquashPreprocessor('BLIP preprocessor', { ...CLIP_STATISTICS }, side),
    torchvision: { ...CLIP_STATISTICS, side, frame: resizeAndCropToEven },
    longest: openClipPreprocessor({ ...STATISTICS, resize_mode: 'longest' }, side),
  };
  for (const name of ['wide', 'tall']) {
    const image = await decodeImage(readFileSync(path.join(golden.folder, `${name}.png`)));
    for (const [way, preprocessor] of Object.entries(ways)) {
      const pixels = preparedPixels(engine.tf, preprocessor, [image]);
      golden.check(`${way}_${name}`, fromNhwc(pixels));
    }
  }
}

export const components: Record<string, ComponentCheck> = {
  'image preprocessing of BLIP, OWL-ViT, torchvision and open_clip': imagePreprocess,
};

/** CLIPModel: embeddings, cosine, and the arithmetic of PickScore. */
import path from 'node:path';
import { disposeWeights, loadWeights, type Weights } from '../../src/engine/weights.ts';
import {
  type ClipConfig,
  clipImageEmbeds,
  clipParameters,
  clipTextEmbeds,
  parseClipConfig,
  unitRows,
} from '../../src/models/clip/clip.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { engine, readJson, rows, toNhwc, values } from './tensors.ts';

async function clip(golden: GoldenCase): Promise<void> {
  const config = parseClipConfig(readJson(golden.folder, 'model', 'config.json'));
  const file = path.join(golden.folder, 'model', 'model.safetensors');
  checkEmbeddings(golden, config, await loadWeights(engine, file, clipParameters(config)));
}

/** Everything that is recorded of a CLIP; the weights are gone afterwards. */
export function checkEmbeddings(golden: GoldenCase, config: ClipConfig, weights: Weights): void {
  const image = clipImageEmbeds(engine, config, weights, toNhwc(golden.input.pixel_values!));
  const text = clipTextEmbeds(engine, config, weights, rows(golden.input.input_ids!));
  golden.check('image_embeds', values(image));
  golden.check('text_embeds', values(text));
  golden.check('image_embeds_norm', values(unitRows(image)));
  golden.check('text_embeds_norm', values(unitRows(text)));
  const cosine = engine.tf.matMul(unitRows(image) as never, unitRows(text) as never, false, true);
  golden.check('cosine', values(cosine));
  golden.check('logits_per_image', values(cosine.mul(weights.logit_scale!.exp())));
  disposeWeights(weights);
}

export const components: Record<string, ComponentCheck> = {
  'CLIP (image and text), PickScore / CLIP-score arithmetic': clip,
};

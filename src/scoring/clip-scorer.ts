/** A CLIPModel behind the ImageTextScorer port: CLIP score with OpenCLIP or OpenAI weights, PickScore with its own. */
import type { Engine, Tensor } from '../engine/engine.ts';
import { clipImageEmbeds, clipTextEmbeds, unitRows } from '../models/clip.ts';
import { normalisedPixels, parseClipPreprocessor, resizeAndCrop } from '../models/clip-preprocess.ts';
import type { ClipModel } from '../models/model-folder.ts';
import type { ImageTextScorer } from './ports.ts';

export function clipScorer(engine: Engine, name: string, model: ClipModel): ImageTextScorer {
  const { config, weights, tokenizer } = model;
  const { imageSize } = config.vision;
  const statistics = parseClipPreprocessor(model.preprocessor, imageSize);
  return {
    name: `${name}@${model.hash.slice(0, 12)}`,
    async score(images, texts) {
      const { tf } = engine;
      const prepared = images.map((image) => resizeAndCrop(image, imageSize));
      const ids = texts.map((text) => tokenizer.encode(text));
      const [cosines, scale] = tf.tidy(() => {
        const pixels = normalisedPixels(tf, prepared, statistics);
        const image = unitRows(clipImageEmbeds(engine, config, weights, pixels));
        const text = unitRows(clipTextEmbeds(engine, config, weights, ids));
        const rows = image.mul(text).sum(-1) as Tensor;
        return [rows.dataSync(), weights.logit_scale!.exp().dataSync()[0]!] as const;
      });
      return [...cosines].map((cosine) => ({ cosine, scale }));
    },
  };
}

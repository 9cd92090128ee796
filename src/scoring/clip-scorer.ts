/** A CLIPModel behind the ImageTextScorer port: CLIP score, HPSv2 and PickScore, each with its own weights. */
import type { Engine, Tensor } from '../engine/engine.ts';
import { clipImageEmbeds, clipTextEmbeds, unitRows } from '../models/clip/clip.ts';
import type { ClipModel } from '../models/folders/model-folder.ts';
import { preparedPixels } from '../models/preprocess/clip-preprocess.ts';
import type { ImageTextScorer } from './ports.ts';

export function clipScorer(engine: Engine, name: string, model: ClipModel): ImageTextScorer {
  const { config, weights, tokenizer, preprocessor } = model;
  return {
    name: `${name}@${model.hash.slice(0, 12)}`,
    async score(images, texts) {
      const { tf } = engine;
      const ids = texts.map((text) => tokenizer.encode(text));
      const [cosines, scale] = tf.tidy(() => {
        const pixels = preparedPixels(tf, preprocessor, images);
        const image = unitRows(clipImageEmbeds(engine, config, weights, pixels));
        const text = unitRows(clipTextEmbeds(engine, config, weights, ids));
        const rows = image.mul(text).sum(-1) as Tensor;
        return [rows.dataSync(), weights.logit_scale!.exp().dataSync()[0]!] as const;
      });
      return [...cosines].map((cosine) => ({ cosine, scale }));
    },
  };
}

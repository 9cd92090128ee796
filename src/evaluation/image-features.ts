/** Images to the feature vectors that a Frechet distance is taken over. */
import type { Engine, Tensor } from '../engine/engine.ts';
import type { RgbImage } from '../engine/image.ts';
import { clipImageEmbeds } from '../models/clip/clip.ts';
import type { ClipModel } from '../models/folders/model-folder.ts';
import { type InceptionModel, inceptionFeatures } from '../models/inception/inception.ts';
import { preparedPixels } from '../models/preprocess/clip-preprocess.ts';

/** One vector per image, in order. */
export type ImageFeatures = (images: readonly RgbImage[]) => Float32Array[];

/** Images at once, so that memory is bounded however many there are. */
const BATCH = 8;

/** CLIP's image embeddings as they are, not brought to unit length. */
export function clipFeatures(engine: Engine, { config, weights, preprocessor }: ClipModel): ImageFeatures {
  return inBatches(engine, (images) =>
    clipImageEmbeds(engine, config, weights, preparedPixels(engine.tf, preprocessor, images)),
  );
}

/** Inception's last pooling: with these the distance is the FID. */
export function fidFeatures(engine: Engine, model: InceptionModel): ImageFeatures {
  return inBatches(engine, (images) => inceptionFeatures(engine, model, images));
}

function inBatches({ tf }: Engine, embed: (images: readonly RgbImage[]) => Tensor): ImageFeatures {
  return (images) => {
    const vectors: Float32Array[] = [];
    for (let i = 0; i < images.length; i += BATCH) {
      const batch = images.slice(i, i + BATCH);
      const values = tf.tidy(() => embed(batch).dataSync()) as Float32Array;
      const width = values.length / batch.length;
      vectors.push(...batch.map((_, row) => values.slice(row * width, (row + 1) * width)));
    }
    return vectors;
  };
}

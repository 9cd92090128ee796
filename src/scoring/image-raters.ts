/** Models that give an image one number, behind the ImageRater port. */
import type { Engine, Tensor } from '../engine/engine.ts';
import type { RgbImage } from '../engine/image.ts';
import { clipImageEmbeds } from '../models/clip/clip.ts';
import type { AestheticModel, ImageRewardModel } from '../models/folders/scorer-folders.ts';
import { aestheticScores } from '../models/image-scores/aesthetic.ts';
import { imageRewards } from '../models/image-scores/image-reward.ts';
import { preparedPixels } from '../models/preprocess/clip-preprocess.ts';
import { padRows } from '../models/tokenizers/bert-tokenizer.ts';
import type { ImageRater } from './ports.ts';

/** Images at once, so that memory is bounded however many there are. */
const BATCH = 8;
/** ImageReward cuts a text after so many tokens. */
const MOST_TOKENS = 35;

/** LAION's aesthetic predictor, which reads no text: about 1 to 10. */
export function aestheticScorer(engine: Engine, model: AestheticModel): ImageRater {
  const { config, weights, head } = model;
  return rater(engine, 'aesthetic', model, (pixels) =>
    aestheticScores(engine, head, clipImageEmbeds(engine, config, weights, pixels)),
  );
}

/** ImageReward: standardised over its training set, so that 0 is an image of middling quality. */
export function imageRewardScorer(engine: Engine, model: ImageRewardModel): ImageRater {
  const { config, weights, tokenizer } = model;
  return rater(engine, 'image-reward', model, (pixels, texts) => {
    const { ids, attended } = padRows(
      tokenizer,
      texts.map((text) => tokenizer.encode(text, MOST_TOKENS)),
    );
    return imageRewards(engine, config, weights, pixels, ids, attended).reward;
  });
}

function rater(
  { tf }: Engine,
  name: string,
  { hash, preprocessor }: AestheticModel | ImageRewardModel,
  rate: (pixels: Tensor, texts: readonly string[]) => Tensor,
): ImageRater {
  const batch = (images: readonly RgbImage[], texts: readonly string[]) =>
    tf.tidy(() => rate(preparedPixels(tf, preprocessor, images), texts).dataSync());
  return {
    name: `${name}@${hash.slice(0, 12)}`,
    async rate(images, texts) {
      const numbers: number[] = [];
      for (let i = 0; i < images.length; i += BATCH)
        numbers.push(...batch(images.slice(i, i + BATCH), texts.slice(i, i + BATCH)));
      return numbers;
    },
  };
}

/** Between images and what the UNet works on: latents of a VAE, or the pixels themselves. */
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { DiffusionModel } from '../folders/model-folder.ts';
import { vaeEncode } from '../vae/vae.ts';
import { decodeTiled, largestTile } from '../vae/vae-tiles.ts';

/** Images [B, S, S, 3] in [-1, 1] as the UNet's x_0: the posterior's mean, scaled. One at a time. */
export function toLatents(engine: Engine, { vae }: DiffusionModel, images: Tensor): Tensor {
  if (!vae) return images.clone();
  const { config, weights } = vae;
  return oneByOne(engine, images, (image) =>
    vaeEncode(engine, config, weights, image).mean.mul(config.scalingFactor),
  );
}

/** Images [B, S, S, 3], mostly in [-1, 1], of a UNet's x_0. One at a time, and large ones in tiles. */
export function fromLatents(engine: Engine, { vae }: DiffusionModel, x0: Tensor): Tensor {
  if (!vae) return x0.clone();
  const { config, weights } = vae;
  const tile = largestTile(config);
  return oneByOne(engine, x0, (row) =>
    decodeTiled(engine, config, weights, row.div(config.scalingFactor), tile),
  );
}

/** Images are large where latents are small: a batch of them would not fit. */
function oneByOne({ tf }: Engine, batch: Tensor, change: (row: Tensor) => Tensor): Tensor {
  return tf.tidy(() => {
    const rows = tf.split(batch, batch.shape[0]!) as Tensor[];
    return tf.concat(
      rows.map((row) => tf.tidy(() => change(row))),
      0,
    ) as Tensor;
  });
}

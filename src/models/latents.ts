/** Between images and what the UNet works on: latents of a VAE, or the pixels themselves. */
import type { Engine, Tensor } from '../engine/engine.ts';
import type { DiffusionModel } from './model-folder.ts';
import { vaeEncode } from './vae.ts';
import { decodeTiled, largestTile } from './vae-tiles.ts';

/** Images [B, S, S, 3] in [-1, 1] as the UNet's x_0: the posterior's mean, scaled. */
export function toLatents(engine: Engine, { vae }: DiffusionModel, images: Tensor): Tensor {
  if (!vae) return images.clone();
  const { config, weights } = vae;
  return engine.tf.tidy(() => vaeEncode(engine, config, weights, images).mean.mul(config.scalingFactor));
}

/** Images [B, S, S, 3], mostly in [-1, 1], of a UNet's x_0. One at a time, and large ones in tiles. */
export function fromLatents(engine: Engine, { vae }: DiffusionModel, x0: Tensor): Tensor {
  if (!vae) return x0.clone();
  const { config, weights } = vae;
  const { tf } = engine;
  const tile = largestTile(config);
  return tf.tidy(() => {
    const rows = tf.split(x0.div(config.scalingFactor), x0.shape[0]!) as Tensor[];
    const images = rows.map((row) => tf.tidy(() => decodeTiled(engine, config, weights, row, tile)));
    return tf.concat(images, 0) as Tensor;
  });
}

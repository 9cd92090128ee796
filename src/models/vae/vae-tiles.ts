/**
 * Decoding of large images tile by tile (diffusers AutoencoderKL.tiled_decode): neighbouring tiles share a quarter
 * and fade into each other there. A tile's norms see the tile alone, so the image is near the one decoded whole, not
 * equal to it.
 */
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { Weights } from '../../engine/weights.ts';
import { vaeDecode } from './vae.ts';
import type { VaeConfig } from './vae-parameters.ts';

/** Of the largest feature map of a decoding. Fixed, so that an image does not depend on the machine's memory. */
const MOST_BYTES = 2 ** 30;
/** Of a tile that the next one begins after. Tiles of a multiple of four latents make it whole. */
const STEP = 0.75;
const MULTIPLE = 4;

/** Side in latents of the largest square that is decoded in one piece: 128 for the VAEs of SD1.5 and SDXL. */
export function largestTile({ up, factor }: VaeConfig, mostBytes = MOST_BYTES): number {
  // The last block begins at full size with its widest input.
  const bytesPerLatent = 4 * factor ** 2 * up.at(-1)![0]!.in;
  const side = Math.sqrt(mostBytes / bytesPerLatent);
  return Math.max(MULTIPLE, MULTIPLE * Math.floor(side / MULTIPLE));
}

/**
 * Like vaeDecode, in tiles of `tile` by `tile` latents (a multiple of 4) where the latents are larger than one.
 * @param latents [B, H, W, latent], not scaled any more
 */
export function decodeTiled(
  engine: Engine,
  config: VaeConfig,
  weights: Weights,
  latents: Tensor,
  tile: number,
): Tensor {
  const { tf } = engine;
  const [, height, width] = latents.shape as [number, number, number];
  if (height <= tile && width <= tile) return vaeDecode(engine, config, weights, latents);
  const step = tile * STEP;
  const overlap = (tile - step) * config.factor;
  return tf.tidy(() => {
    const bands: Tensor[] = [];
    let above: Tensor[] = [];
    for (let top = 0; top < height; top += step) {
      const row: Tensor[] = [];
      for (let left = 0; left < width; left += step) {
        const faded = tf.tidy(() => {
          const decoded = vaeDecode(engine, config, weights, crop(engine, latents, top, left, tile));
          const upper = above[row.length];
          const below = upper ? fade(engine, upper, decoded, 1, overlap) : decoded;
          const before = row.at(-1);
          return before ? fade(engine, before, below, 2, overlap) : below;
        });
        row.push(faded);
      }
      bands.push(tf.concat(row.map((t) => crop(engine, t, 0, 0, step * config.factor)) as never, 2));
      above = row;
    }
    return tf.concat(bands, 1) as Tensor;
  });
}

/** At most `side` rows and columns from (top, left). */
function crop({ tf }: Engine, x: Tensor, top: number, left: number, side: number): Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const size = [batch, Math.min(side, height - top), Math.min(side, width - left), channels];
  return tf.slice(x, [0, top, left, 0], size);
}

/** `b` with its first pixels along `axis` going over, linearly, from the last ones of `a`. */
function fade({ tf }: Engine, a: Tensor, b: Tensor, axis: 1 | 2, extent: number): Tensor {
  const count = Math.min(a.shape[axis]!, b.shape[axis]!, extent);
  const from = (x: Tensor, first: number, size: number) => {
    const [begin, sizes] = [
      [0, 0, 0, 0],
      [-1, -1, -1, -1],
    ];
    begin[axis] = first;
    sizes[axis] = size;
    return tf.slice(x, begin, sizes) as Tensor;
  };
  const share = tf
    .range(0, count)
    .div(count)
    .reshape(axis === 1 ? [1, count, 1, 1] : [1, 1, count, 1]);
  const mixed = from(a, a.shape[axis]! - count, count)
    .mul(tf.sub(1, share))
    .add(from(b, 0, count).mul(share));
  return tf.concat([mixed, from(b, count, -1)], axis) as Tensor;
}

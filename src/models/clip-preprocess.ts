/** Images to the pixel values that CLIP was trained on (transformers CLIPImageProcessor). */
import sharp from 'sharp';
import type { Tensor, Tf } from '../engine/engine.ts';
import type { RgbImage } from '../engine/image.ts';

export interface ClipPixelStatistics {
  readonly image_mean: readonly number[];
  readonly image_std: readonly number[];
}

/** Images of one size, already the model's, to (value / 255 - mean) / std per channel: [B, H, W, 3]. */
export function normalisedPixels(
  tf: Tf,
  images: readonly RgbImage[],
  { image_mean: mean, image_std: std }: ClipPixelStatistics,
): Tensor {
  const { width, height } = images[0]!;
  const size = width * height * 3;
  const pixels = new Float32Array(images.length * size);
  for (const [i, { data }] of images.entries()) {
    for (let j = 0; j < size; j++) pixels[i * size + j] = (data[j]! / 255 - mean[j % 3]!) / std[j % 3]!;
  }
  return tf.tensor(pixels, [images.length, height, width, 3], 'float32');
}

/** Shorter side to `size` by a bicubic filter, then the centre square. */
export async function resizeAndCrop(image: RgbImage, size: number): Promise<RgbImage> {
  const { width, height, data } = image;
  if (width === size && height === size) return image;
  const scale = size / Math.min(width, height);
  const scaled = { width: Math.trunc(width * scale), height: Math.trunc(height * scale) };
  const resized = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(scaled.width, scaled.height, { fit: 'fill', kernel: 'cubic' })
    .extract({
      left: Math.floor((scaled.width - size) / 2),
      top: Math.floor((scaled.height - size) / 2),
      width: size,
      height: size,
    })
    .raw()
    .toBuffer();
  return { width: size, height: size, data: new Uint8Array(resized) };
}

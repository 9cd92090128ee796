/** Images to the pixel values that CLIP was trained on (transformers CLIPImageProcessor), to the last byte. */
import type { Tensor, Tf } from '../engine/engine.ts';
import type { RgbImage } from '../engine/image.ts';
import { resizeBicubic } from '../engine/resize.ts';
import { DiptychError } from '../errors.ts';
import { refuseUnsupported } from './config-fields.ts';

export interface ClipPixelStatistics {
  readonly image_mean: readonly number[];
  readonly image_std: readonly number[];
}

/** Steps that every CLIP has, and PIL's number for bicubic. */
const ALWAYS = {
  do_resize: [true],
  resample: [3],
  do_center_crop: [true],
  do_rescale: [true],
  do_normalize: [true],
};

/**
 * What a preprocessor_config.json says of a model for images of `size` pixels. Throws DIPTYCH_BAD_MODEL that quotes
 * a field which asks for anything but: shorter side to `size`, bicubic, centre square, mean and deviation.
 */
export function parseClipPreprocessor(json: Record<string, unknown>, size: number): ClipPixelStatistics {
  const name = 'CLIP preprocessor';
  const sides = { size: side(json.size ?? size), crop_size: side(json.crop_size ?? size) };
  refuseUnsupported(name, { ...json, ...sides }, { ...ALWAYS, size: [size], crop_size: [size] });
  for (const field of ['image_mean', 'image_std'] as const) {
    const value = json[field];
    if (Array.isArray(value) && value.length === 3 && value.every(Number.isFinite)) continue;
    throw new DiptychError(
      'DIPTYCH_BAD_MODEL',
      `${name}: "${field}" is ${JSON.stringify(value)}; it must be three numbers`,
    );
  }
  return json as unknown as ClipPixelStatistics;
}

/** The side of a square, which newer configs write as an object and older ones as a number. */
function side(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { shortest_edge, height, width } = value as Record<string, unknown>;
  return shortest_edge ?? (height === width ? height : value);
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

/** Shorter side to `size` by PIL's bicubic filter, then the centre square. */
export function resizeAndCrop(image: RgbImage, size: number): RgbImage {
  const { width, height } = image;
  if (width === size && height === size) return image;
  const shorter = Math.min(width, height);
  const scaled = (length: number) => Math.trunc((size * length) / shorter);
  return centreSquare(resizeBicubic(image, scaled(width), scaled(height)), size);
}

function centreSquare({ width, height, data }: RgbImage, size: number): RgbImage {
  const [left, top] = [Math.floor((width - size) / 2), Math.floor((height - size) / 2)];
  const out = new Uint8Array(3 * size * size);
  for (let y = 0; y < size; y++) {
    const start = 3 * ((top + y) * width + left);
    out.set(data.subarray(start, start + 3 * size), 3 * size * y);
  }
  return { width: size, height: size, data: out };
}

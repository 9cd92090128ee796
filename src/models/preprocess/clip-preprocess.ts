/**
 * Images to the pixel values that CLIP was trained on, to the last byte: transformers' CLIPImageProcessor, and the
 * transforms of torchvision that openai/CLIP, open_clip and ImageReward use.
 */
import type { Tensor, Tf } from '../../engine/engine.ts';
import type { RgbImage } from '../../engine/image.ts';
import { resizeBicubic } from '../../engine/resize.ts';
import { DiptychError } from '../../errors.ts';
import { refuseUnsupported } from '../layers/config-fields.ts';

export interface ClipPixelStatistics {
  readonly image_mean: readonly number[];
  readonly image_std: readonly number[];
}

/** How a model wants its images. */
export interface ImagePreprocessor extends ClipPixelStatistics {
  /** Of the square that the network takes, in pixels. */
  readonly side: number;
  /** An image of any size to that square. */
  readonly frame: (image: RgbImage, side: number) => RgbImage;
}

/** What CLIP was trained with, and everything that began from it. */
export const CLIP_STATISTICS: ClipPixelStatistics = {
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
};

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
export function parseClipPreprocessor(json: Record<string, unknown>, size: number): ImagePreprocessor {
  const name = 'CLIP preprocessor';
  const sides = { size: side(json.size ?? size), crop_size: side(json.crop_size ?? size) };
  refuseUnsupported(name, { ...json, ...sides }, { ...ALWAYS, size: [size], crop_size: [size] });
  return { ...statisticsOf(name, json), side: size, frame: resizeAndCrop };
}

/** Throws DIPTYCH_BAD_MODEL that quotes a mean or a deviation which is not three numbers. */
export function statisticsOf(name: string, json: Record<string, unknown>): ClipPixelStatistics {
  for (const field of ['image_mean', 'image_std'] as const) {
    const value = json[field];
    if (Array.isArray(value) && value.length === 3 && value.every(Number.isFinite)) continue;
    throw new DiptychError(
      'DIPTYCH_BAD_MODEL',
      `${name}: "${field}" is ${JSON.stringify(value)}; it must be three numbers`,
    );
  }
  const { image_mean, image_std } = json as unknown as ClipPixelStatistics;
  return { image_mean, image_std };
}

/** The side of a square, which newer configs write as an object and older ones as a number. */
function side(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { shortest_edge, height, width } = value as Record<string, unknown>;
  return shortest_edge ?? (height === width ? height : value);
}

/** Images of any sizes to what the network takes: [B, side, side, 3]. */
export function preparedPixels(tf: Tf, preprocessor: ImagePreprocessor, images: readonly RgbImage[]): Tensor {
  const { frame, side } = preprocessor;
  const framed = images.map((image) => frame(image, side));
  return normalisedPixels(tf, framed, preprocessor);
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

/** Shorter side to `size` by PIL's bicubic filter, then the centre square, as transformers cuts it. */
export function resizeAndCrop(image: RgbImage, size: number): RgbImage {
  return centreOf(image, size, Math.floor);
}

/** The same as torchvision cuts it: where the middle lies between two pixels, the even one counts. */
export function resizeAndCropToEven(image: RgbImage, size: number): RgbImage {
  return centreOf(image, size, (at) => (Number.isInteger(at) ? at : 2 * Math.round(at / 2)));
}

/** Longer side to `size` by PIL's bicubic filter, the rest of the square black: open_clip's "longest", HPSv2's way. */
export function resizeAndPad(image: RgbImage, size: number): RgbImage {
  const scale = size / Math.max(image.width, image.height);
  const { width, height, data } = resizeBicubic(
    image,
    Math.round(image.width * scale),
    Math.round(image.height * scale),
  );
  const [left, top] = [Math.floor((size - width) / 2), Math.floor((size - height) / 2)];
  const out = new Uint8Array(3 * size * size);
  for (let y = 0; y < height; y++)
    out.set(data.subarray(3 * width * y, 3 * width * (y + 1)), 3 * ((top + y) * size + left));
  return { width: size, height: size, data: out };
}

function centreOf(image: RgbImage, size: number, whole: (at: number) => number): RgbImage {
  const { width, height } = image;
  if (width === size && height === size) return image;
  const shorter = Math.min(width, height);
  const scaled = (length: number) => Math.trunc((size * length) / shorter);
  const resized = resizeBicubic(image, scaled(width), scaled(height));
  return square(resized, whole((resized.width - size) / 2), whole((resized.height - size) / 2), size);
}

function square({ width, data }: RgbImage, left: number, top: number, size: number): RgbImage {
  const out = new Uint8Array(3 * size * size);
  for (let y = 0; y < size; y++) {
    const start = 3 * ((top + y) * width + left);
    out.set(data.subarray(start, start + 3 * size), 3 * size * y);
  }
  return { width: size, height: size, data: out };
}

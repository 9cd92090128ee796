/**
 * Images resized as PIL does it (python-pillow/Pillow 13: src/libImaging/Resample.c), byte for byte: CLIP, BLIP and
 * OWL-ViT saw pictures that went through it, and image hashes too. Bicubic with a = -0.5 (Keys 1981) or Lanczos, widened
 * by the scale when it shrinks, in fixed point, one direction after the other, rounded to bytes after each.
 */
import { DiptychError } from '../errors.ts';
import type { GreyImage, RgbImage } from './image.ts';

interface Kernel {
  /** Source pixels that it reaches on either side at scale 1. */
  support: number;
  weight(distance: number): number;
}

/** Bits behind the point: a byte times a weight, and two bits for sums beyond [0, 255], fill 32. */
const FRACTION_BITS = 32 - 8 - 2;
const ONE = 2 ** FRACTION_BITS;

/** The source pixels of one target pixel: `weights.length` of them from `first` on. */
interface Taps {
  first: number;
  weights: Int32Array;
}

/** Both sides to the given lengths; the ratio is not kept. Throws DIPTYCH_INVALID_INPUT for a side without pixels. */
export const resizeBicubic = (image: RgbImage, width: number, height: number): RgbImage =>
  resized(image, width, height, 3, BICUBIC);

/** The same of one channel, by Lanczos' kernel. */
export const resizeLanczos = (image: GreyImage, width: number, height: number): GreyImage =>
  resized(image, width, height, 1, LANCZOS);

function resized(
  image: GreyImage,
  width: number,
  height: number,
  channels: number,
  kernel: Kernel,
): GreyImage {
  const whole = (side: number) => Number.isInteger(side) && side > 0;
  if (![image.width, image.height, width, height].every(whole)) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `can't resize an image of ${image.width} x ${image.height} pixels to ${width} x ${height}`,
    );
  }
  // A column is a row of pixels that lie a width apart.
  const across = (data: Uint8Array, rows: number) =>
    alongRows(data, rows, image.width, width, channels, kernel);
  const down = (data: Uint8Array, columns: number) =>
    alongRows(data, 1, image.height, height, channels * columns, kernel);
  // Rounding in between makes the order matter. Pillow 13 goes down first where that takes away much more.
  const lost = { rows: image.height - height, columns: image.width - width };
  const data =
    lost.rows > Math.max(0, 2 * lost.columns)
      ? across(down(image.data, image.width), height)
      : down(across(image.data, image.height), width);
  return { width, height, data };
}

/**
 * Rows of `from` items resized to `to` items, every item `size` bytes that don't mix.
 * data [rows, from, size] -> [rows, to, size].
 */
function alongRows(
  data: Uint8Array,
  rows: number,
  from: number,
  to: number,
  size: number,
  kernel: Kernel,
): Uint8Array {
  if (from === to) return data;
  const taps = Array.from({ length: to }, (_, at) => tapsOf(at, from, to, kernel));
  const out = new Uint8Array(rows * to * size);
  const sums = new Int32Array(size);
  for (let row = 0; row < rows; row++) {
    for (const [at, { first, weights }] of taps.entries()) {
      sums.fill(ONE / 2);
      for (const [i, weight] of weights.entries()) {
        const start = (row * from + first + i) * size;
        for (let j = 0; j < size; j++) sums[j]! += data[start + j]! * weight;
      }
      const target = (row * to + at) * size;
      for (let j = 0; j < size; j++) out[target + j] = Math.min(255, Math.max(0, sums[j]! >> FRACTION_BITS));
    }
  }
  return out;
}

function tapsOf(at: number, from: number, to: number, { support, weight }: Kernel): Taps {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const centre = (at + 0.5) * scale;
  const first = Math.max(0, Math.trunc(centre - support * stretch + 0.5));
  const end = Math.min(from, Math.trunc(centre + support * stretch + 0.5));
  const exact = Array.from({ length: end - first }, (_, i) => weight((first + i - centre + 0.5) / stretch));
  const sum = exact.reduce((total, x) => total + x, 0);
  return { first, weights: Int32Array.from(exact, (x) => roundAwayFromZero((x / sum) * ONE)) };
}

/** Keys' cubic convolution kernel, a = -0.5. */
const BICUBIC: Kernel = {
  support: 2,
  weight(x) {
    const a = -0.5;
    const d = Math.abs(x);
    if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
  },
};

/** A sinc, truncated by a wider one. */
const LANCZOS: Kernel = {
  support: 3,
  weight: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0),
};

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

const roundAwayFromZero = (x: number) => Math.trunc(x + (x < 0 ? -0.5 : 0.5));

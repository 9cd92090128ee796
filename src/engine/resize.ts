/**
 * Images resized as PIL does it (python-pillow/Pillow 13: src/libImaging/Resample.c), byte for byte: CLIP, BLIP and
 * OWL-ViT saw pictures that went through it. Bicubic with a = -0.5 (Keys 1981), widened by the scale when it shrinks,
 * in fixed point, one direction after the other, rounded to bytes after each.
 */
import { DiptychError } from '../errors.ts';
import type { RgbImage } from './image.ts';

/** Source pixels that the kernel reaches on either side at scale 1. */
const SUPPORT = 2;
/** Bits behind the point: a byte times a weight, and two bits for sums beyond [0, 255], fill 32. */
const FRACTION_BITS = 32 - 8 - 2;
const ONE = 2 ** FRACTION_BITS;

/** The source pixels of one target pixel: `weights.length` of them from `first` on. */
interface Taps {
  first: number;
  weights: Int32Array;
}

/** Both sides to the given lengths; the ratio is not kept. Throws DIPTYCH_INVALID_INPUT for a side without pixels. */
export function resizeBicubic(image: RgbImage, width: number, height: number): RgbImage {
  const whole = (side: number) => Number.isInteger(side) && side > 0;
  if (![image.width, image.height, width, height].every(whole)) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `can't resize an image of ${image.width} x ${image.height} pixels to ${width} x ${height}`,
    );
  }
  // A column is a row of pixels that lie a width apart.
  const across = (data: Uint8Array, rows: number) => alongRows(data, rows, image.width, width, 3);
  const down = (data: Uint8Array, columns: number) => alongRows(data, 1, image.height, height, 3 * columns);
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
function alongRows(data: Uint8Array, rows: number, from: number, to: number, size: number): Uint8Array {
  if (from === to) return data;
  const taps = Array.from({ length: to }, (_, at) => tapsOf(at, from, to));
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

function tapsOf(at: number, from: number, to: number): Taps {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const centre = (at + 0.5) * scale;
  const first = Math.max(0, Math.trunc(centre - SUPPORT * stretch + 0.5));
  const end = Math.min(from, Math.trunc(centre + SUPPORT * stretch + 0.5));
  const exact = Array.from({ length: end - first }, (_, i) => keys((first + i - centre + 0.5) / stretch));
  const sum = exact.reduce((total, weight) => total + weight, 0);
  return { first, weights: Int32Array.from(exact, (weight) => roundAwayFromZero((weight / sum) * ONE)) };
}

/** Keys' cubic convolution kernel, a = -0.5. */
function keys(x: number): number {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
}

const roundAwayFromZero = (x: number) => Math.trunc(x + (x < 0 ? -0.5 : 0.5));

/**
 * The difference hash of a picture (dHash, N. Krawetz 2013), bit for bit that of the Python package ImageHash 4.3:
 * shrunk to 9 x 8 grey pixels, a bit for each pixel and its right neighbour, 1 where the neighbour is brighter. Changes
 * of size, brightness, contrast and compression move few of its 64 bits; another picture moves about half.
 */
import { type RgbImage, toGrey } from '../engine/image.ts';
import { resizeLanczos } from '../engine/resize.ts';

const SIDE = 8;
export const HASH_BITS = SIDE * SIDE;

/** 64 bits, the first row's in the high bits of `high`. */
export interface DifferenceHash {
  high: number;
  low: number;
}

export function differenceHash(image: RgbImage): DifferenceHash {
  const { data } = resizeLanczos(toGrey(image), SIDE + 1, SIDE);
  const bits = (firstRow: number) => {
    let word = 0;
    for (let i = 0; i < HASH_BITS / 2; i++) {
      const at = (firstRow + (i >> 3)) * (SIDE + 1) + (i & 7);
      word = (word << 1) | Number(data[at + 1]! > data[at]!);
    }
    return word >>> 0;
  };
  return { high: bits(0), low: bits(SIDE / 2) };
}

/** 16 hexadecimal digits, as ImageHash prints it. */
export const hashText = ({ high, low }: DifferenceHash) =>
  [high, low].map((word) => word.toString(16).padStart(8, '0')).join('');

/** Bits set in 32 (H. S. Warren, Hacker's Delight, 5-1). */
export function bitCount(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

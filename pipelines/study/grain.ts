import { type RgbImage, toGrey } from '../../src/engine/image.ts';

/** Second differences along both axes: constant and sloping areas give 0, noise does not. */
const MASK = [1, -2, 1, -2, 4, -2, 1, -2, 1] as const;

/**
 * Standard deviation of the noise in an image's luma, in grey levels of 255:
 *   sqrt(pi / 2) / (6 (W - 2) (H - 2)) sum |luma * MASK|
 * Source: J. Immerkaer, Fast noise variance estimation, Computer Vision and Image Understanding 64(2), 1996. Edges of
 * shapes count too, so that it compares images of like scenes; it is not the noise alone.
 */
export function grainOf(image: RgbImage): number {
  const { width, height, data } = toGrey(image);
  let sum = 0;
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const response = MASK.reduce((total, weight, i) => {
        const at = (y - 1 + Math.floor(i / 3)) * width + x - 1 + (i % 3);
        return total + weight * data[at]!;
      }, 0);
      sum += Math.abs(response);
    }
  }
  return (Math.sqrt(Math.PI / 2) * sum) / (6 * (width - 2) * (height - 2));
}

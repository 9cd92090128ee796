/** An 8-bit RGB image: row-major, three bytes a pixel, `data.length = 3 * width * height`. */
export interface RgbImage {
  width: number;
  height: number;
  data: Uint8Array;
}

/** Images of one size side by side, `columns` a row, each pixel repeated `scale` times in both directions. */
export function tileImages(images: readonly RgbImage[], columns: number, scale = 1): RgbImage {
  const { width, height } = images[0]!;
  const rows = Math.ceil(images.length / columns);
  const out = { width: columns * width * scale, height: rows * height * scale };
  const data = new Uint8Array(3 * out.width * out.height);
  for (let y = 0; y < out.height; y++) {
    for (let x = 0; x < out.width; x++) {
      const [column, row] = [Math.floor(x / (width * scale)), Math.floor(y / (height * scale))];
      const image = images[row * columns + column];
      if (!image) continue;
      const from = Math.floor(y / scale - row * height) * width + Math.floor(x / scale - column * width);
      data.set(image.data.subarray(3 * from, 3 * from + 3), 3 * (y * out.width + x));
    }
  }
  return { ...out, data };
}

/** Images of one size as a network takes them: NHWC in [-1, 1]. */
export function toPixels(images: readonly RgbImage[]): Float32Array {
  const size = images[0]?.data.length ?? 0;
  const pixels = new Float32Array(images.length * size);
  for (const [i, { data }] of images.entries()) {
    for (let j = 0; j < size; j++) pixels[i * size + j] = data[j]! / 127.5 - 1;
  }
  return pixels;
}

/** The images in an NHWC array of three channels; what is outside [-1, 1] is cut off. */
export function fromPixels(pixels: Float32Array, width: number, height: number): RgbImage[] {
  const size = 3 * width * height;
  return Array.from({ length: pixels.length / size }, (_, i) => ({
    width,
    height,
    data: Uint8Array.from(pixels.subarray(i * size, (i + 1) * size), toByte),
  }));
}

const toByte = (x: number) => Math.min(255, Math.max(0, Math.round(127.5 * (x + 1))));

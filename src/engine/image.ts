/** An 8-bit RGB image: row-major, three bytes a pixel, `data.length = 3 * width * height`. */
export interface RgbImage {
  width: number;
  height: number;
  data: Uint8Array;
}

/** An 8-bit image of one channel: row-major, `data.length = width * height`. */
export interface GreyImage {
  width: number;
  height: number;
  data: Uint8Array;
}

/** Luma (ITU-R BT.601) in PIL's fixed point: 16 bits behind the point, rounded. */
export function toGrey({ width, height, data }: RgbImage): GreyImage {
  const grey = new Uint8Array(width * height);
  for (let i = 0, j = 0; i < grey.length; i++, j += 3) {
    grey[i] = (data[j]! * 19595 + data[j + 1]! * 38470 + data[j + 2]! * 7471 + 0x8000) >> 16;
  }
  return { width, height, data: grey };
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

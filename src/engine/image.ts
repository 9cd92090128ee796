/** An 8-bit RGB image: row-major, three bytes a pixel, `data.length = 3 * width * height`. */
export interface RgbImage {
  width: number;
  height: number;
  data: Uint8Array;
}

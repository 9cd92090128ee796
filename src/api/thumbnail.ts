/** An image made smaller, for pages that show many. */
import sharp from 'sharp';

/** Widths there are, in pixels: few, so that a cache meets them again. */
export const THUMBNAIL_WIDTHS = [64, 128, 256, 512];

/** As WebP; an image that is no wider stays as it is. `width` in pixels. */
export async function thumbnail(bytes: Buffer, width: number): Promise<Buffer> {
  const image = sharp(bytes);
  if ((await image.metadata()).width <= width) return bytes;
  return image.resize({ width }).webp({ quality: 85 }).toBuffer();
}

/** Encoded images to pixels and back, through sharp. */
import sharp from 'sharp';
import { DiptychError } from '../errors.ts';
import type { RgbImage } from './image.ts';

/** A PNG whose bytes depend on the pixels alone (no metadata, fixed filter and level). */
export function encodePng(image: RgbImage): Promise<Buffer> {
  const { width, height, data } = image;
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 6, adaptiveFiltering: false, palette: false })
    .toBuffer();
}

/** Pixels of a PNG, JPEG or WebP; transparency is laid on white. Throws DIPTYCH_BAD_FILE for anything else. */
export async function decodeImage(bytes: Uint8Array): Promise<RgbImage> {
  try {
    const { data, info } = await sharp(bytes)
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data: new Uint8Array(data) };
  } catch (cause) {
    throw new DiptychError('DIPTYCH_BAD_FILE', `not an image that can be decoded (${bytes.length} bytes)`, {
      cause,
    });
  }
}

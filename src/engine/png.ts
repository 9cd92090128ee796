/** Encoded images to pixels and back, through sharp. */
import sharp, { type Sharp } from 'sharp';
import { DiptychError } from '../errors.ts';
import type { RgbImage } from './image.ts';
import { headerSize, type ImageSize } from './image-header.ts';

const READABLE: readonly string[] = ['png', 'jpeg', 'webp'];

/** Of an image that is decoded at all: 201 MB of RGB. */
const MAX_PIXELS = 2 ** 26;
const MAX_SECONDS = 30;

// No image is decoded twice.
sharp.cache(false);
// Whatever the bytes claim to be, no other decoder of libvips sees them: SVG, PDF and the rest bring their own risks.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    'VipsForeignLoadPngBuffer',
    'VipsForeignLoadJpegBuffer',
    'VipsForeignLoadWebpBuffer',
    'VipsForeignLoadRaw',
  ],
});

/** A PNG whose bytes depend on the pixels alone (no metadata, fixed filter and level). */
export async function encodePng(image: RgbImage): Promise<Buffer> {
  const { width, height, data } = image;
  if (data.length === 0 || data.length !== 3 * width * height) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `an image of ${width} x ${height} pixels can't have ${data.length} bytes of RGB`,
    );
  }
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 6, adaptiveFiltering: false, palette: false })
    .toBuffer();
}

/**
 * Pixels of a PNG, JPEG or WebP; transparency is laid on white. Throws DIPTYCH_BAD_FILE for anything else, for an
 * image of more than `maxPixels` before it takes their memory, and for one that takes too long.
 */
export async function decodeImage(bytes: Uint8Array, maxPixels = MAX_PIXELS): Promise<RgbImage> {
  try {
    const encoded = sharp(bytes, { limitInputPixels: maxPixels });
    await readableSize(encoded);
    const { data, info } = await encoded
      .timeout({ seconds: MAX_SECONDS })
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data: new Uint8Array(data) };
  } catch (cause) {
    throw unreadable(bytes, cause);
  }
}

/** Pixels are looked at in one of so many a side: JPEG and WebP decode to that at once, after reading every byte. */
const SHRUNK = 8;

/** What its header says, of bytes that are known to be whole. Throws as `decodeImage` does. */
export function imageSize(bytes: Uint8Array, maxPixels: number): ImageSize {
  const size = headerSize(bytes);
  if (!size) throw unreadable(bytes, new Error('it does not begin as one'));
  if (size.width * size.height > maxPixels)
    throw unreadable(
      bytes,
      new Error(`it has ${size.width} x ${size.height} pixels, more than ${maxPixels}`),
    );
  return size;
}

/** Size of an image that was decoded to its end, in little memory. Throws as `decodeImage` does. */
export async function measureImage(bytes: Uint8Array, maxPixels: number): Promise<ImageSize> {
  try {
    const encoded = sharp(bytes, { limitInputPixels: maxPixels });
    const { width, height } = await readableSize(encoded);
    await encoded
      .resize(Math.ceil(width / SHRUNK), Math.ceil(height / SHRUNK), { fit: 'fill', kernel: 'nearest' })
      .raw()
      .toBuffer();
    return { width, height };
  } catch (cause) {
    throw unreadable(bytes, cause);
  }
}

async function readableSize(encoded: Sharp): Promise<ImageSize> {
  const { format, width, height } = await encoded.metadata();
  if (!READABLE.includes(format)) throw new Error(`its format is ${format}`);
  return { width, height };
}

const unreadable = (bytes: Uint8Array, cause: unknown) =>
  new DiptychError(
    'DIPTYCH_BAD_FILE',
    `not a PNG, JPEG or WebP that can be decoded (${bytes.length} bytes)`,
    { cause },
  );

/** Sides of an image as its header states them: nothing behind the header is looked at. */

export interface ImageSize {
  width: number;
  height: number;
}

/** Null where the bytes begin as no PNG, JPEG or WebP with sides. */
export function headerSize(bytes: Uint8Array): ImageSize | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = pngSize(view) ?? jpegSize(view) ?? webpSize(view);
  return size && size.width > 0 && size.height > 0 ? size : null;
}

const begins = (view: DataView, at: number, text: string) =>
  view.byteLength >= at + text.length && [...text].every((c, i) => view.getUint8(at + i) === c.charCodeAt(0));

/** IHDR comes first: https://www.w3.org/TR/png-3/#11IHDR. */
function pngSize(view: DataView): ImageSize | null {
  if (!begins(view, 0, '\x89PNG\r\n\x1a\n\0\0\0\rIHDR') || view.byteLength < 24) return null;
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** Of the markers SOF0 to SOF15 these begin no frame: DHT, JPG, DAC. */
const NO_FRAME = [0xc4, 0xc8, 0xcc];
/** Where the scans begin. */
const SOS = 0xda;

/** Segments until the frame header: ITU-T T.81, B.2. */
function jpegSize(view: DataView): ImageSize | null {
  if (!begins(view, 0, '\xff\xd8\xff')) return null;
  for (let at = 2; at + 9 <= view.byteLength; ) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    // Any number of them may stand before a marker.
    if (marker === 0xff) {
      at++;
      continue;
    }
    // Restarts, the image's begin and end: none of them has a length, nor a place before the frame.
    if (marker < 0xc0 || (marker >= 0xd0 && marker <= SOS)) return null;
    if (marker < 0xd0 && !NO_FRAME.includes(marker))
      return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    at += 2 + view.getUint16(at + 2);
  }
  return null;
}

/** The first chunk has them: RFC 9649, 2.5 to 2.7; lossy frames: RFC 6386, 9.1. */
function webpSize(view: DataView): ImageSize | null {
  if (!begins(view, 0, 'RIFF') || !begins(view, 8, 'WEBP') || view.byteLength < 30) return null;
  if (begins(view, 12, 'VP8 ') && begins(view, 23, '\x9d\x01*')) {
    return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  }
  if (begins(view, 12, 'VP8L') && begins(view, 20, '/')) {
    const sides = view.getUint32(21, true);
    return { width: (sides & 0x3fff) + 1, height: ((sides >>> 14) & 0x3fff) + 1 };
  }
  if (begins(view, 12, 'VP8X')) {
    // Each of 24 bits, one behind the other.
    return { width: (view.getUint32(24, true) & 0xffffff) + 1, height: (view.getUint32(26, true) >>> 8) + 1 };
  }
  return null;
}

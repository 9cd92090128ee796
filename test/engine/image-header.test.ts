import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { headerSize } from '../../src/engine/image-header.ts';
import { imageSize } from '../../src/engine/png.ts';

const plain = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 4, background: { r: 200, g: 9, b: 9, alpha: 0.5 } } });
const exif = { IFD0: { ImageDescription: 'x'.repeat(500) } };

const files: [string, (width: number, height: number) => Promise<Buffer>][] = [
  ['png', (w, h) => plain(w, h).png().toBuffer()],
  ['palette', (w, h) => plain(w, h).png({ palette: true }).toBuffer()],
  ['jpeg', (w, h) => plain(w, h).flatten().jpeg().toBuffer()],
  ['progressive', (w, h) => plain(w, h).flatten().jpeg({ progressive: true }).toBuffer()],
  ['turned', (w, h) => plain(w, h).flatten().withMetadata({ orientation: 6, exif }).jpeg().toBuffer()],
  ['lossy webp', (w, h) => plain(w, h).flatten().webp().toBuffer()],
  ['lossless webp', (w, h) => plain(w, h).flatten().webp({ lossless: true }).toBuffer()],
  ['webp with alpha', (w, h) => plain(w, h).webp().toBuffer()],
  ['webp with EXIF', (w, h) => plain(w, h).withMetadata({ exif }).webp().toBuffer()],
];

test('sides are those that libvips finds', async () => {
  for (const [name, make] of files) {
    for (const [w, h] of [
      [1, 1],
      [301, 17],
      [16, 4097],
    ] as const) {
      const bytes = await make(w, h);
      const { width, height } = await sharp(bytes).metadata();
      assert.deepEqual(headerSize(bytes), { width, height }, `${name} of ${w} x ${h}`);
    }
  }
});

test('a header that is cut off has no sides, wherever it is cut', async () => {
  for (const [name, make] of files) {
    const bytes = await make(40, 30);
    for (let length = 0; length < bytes.length; length++) {
      const size = headerSize(bytes.subarray(0, length));
      assert.ok(size === null || (size.width === 40 && size.height === 30), `${name}, ${length} bytes`);
    }
    assert.equal(headerSize(bytes.subarray(0, 20)), null, name);
  }
});

test('other bytes, no sides and too many pixels are refused', async () => {
  const png = await plain(40, 30).png().toBuffer();
  const flat = Buffer.from(png);
  flat.writeUInt32BE(0, 20);
  const huge = Buffer.from(png);
  huge.writeUInt32BE(2 ** 31 - 1, 16);
  for (const [bytes, why] of [
    [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="5" height="5"/>'), /does not begin as one/],
    [Buffer.from('ffd8ffc000', 'hex'), /does not begin as one/],
    [flat, /does not begin as one/],
    [huge, /2147483647 x 30 pixels, more than 67108864/],
  ] as const) {
    assert.throws(
      () => imageSize(bytes, 2 ** 26),
      ({ code, cause }) => code === 'DIPTYCH_BAD_FILE' && why.test(cause.message),
    );
  }
});

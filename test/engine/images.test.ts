/** Encoded images against a PNG reader of this file's own, broken files, and contact sheets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32, inflateSync } from 'node:zlib';
import sharp from 'sharp';
import { type RgbImage, tileImages } from '../../src/engine/image.ts';
import { decodeImage, encodePng } from '../../src/engine/png.ts';
import { createRandom } from '../../src/random.ts';

function noise(width: number, height: number, seed = 1): RgbImage {
  const random = createRandom(seed);
  const data = Uint8Array.from({ length: 3 * width * height }, () => random.int(256));
  return { width, height, data };
}

/** Shapes and slopes: what filters and compression change their mind about. */
function drawn(width: number, height: number): RgbImage {
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    data.set([x > y ? 255 : 0, (7 * x) % 256, (x * y) % 256], 3 * i);
  }
  return { width, height, data };
}

interface Chunk {
  type: string;
  body: Buffer;
}

/** The chunks of a PNG (ISO/IEC 15948), each with the checksum it should have. */
function chunksOf(png: Buffer): Chunk[] {
  assert.deepEqual([...png.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const chunks: Chunk[] = [];
  for (let at = 8; at < png.length; ) {
    const end = at + 8 + png.readUInt32BE(at);
    assert.equal(png.readUInt32BE(end), crc32(png.subarray(at + 4, end)));
    chunks.push({ type: png.toString('latin1', at + 4, at + 8), body: png.subarray(at + 8, end) });
    at = end + 4;
  }
  return chunks;
}

/** Pixels of an 8-bit RGB PNG without interlacing, its rows unfiltered as the standard says. */
function readPng(png: Buffer): RgbImage {
  const chunks = chunksOf(png);
  const header = chunks[0]!.body;
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  assert.deepEqual([...header.subarray(8)], [8, 2, 0, 0, 0], '8 bits, RGB, not interlaced');
  const rows = inflateSync(Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map((c) => c.body)));
  const stride = 3 * width;
  assert.equal(rows.length, height * (stride + 1));
  const data = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (stride + 1)]!;
    for (let x = 0; x < stride; x++) {
      const left = x < 3 ? 0 : data[y * stride + x - 3]!;
      const up = y === 0 ? 0 : data[(y - 1) * stride + x]!;
      const corner = x < 3 || y === 0 ? 0 : data[(y - 1) * stride + x - 3]!;
      const guess = left + up - corner;
      const [a, b, c] = [left, up, corner].map((n) => Math.abs(guess - n)) as [number, number, number];
      const paeth = a <= b && a <= c ? left : b <= c ? up : corner;
      const predicted = [0, left, up, (left + up) >> 1, paeth][filter]!;
      data[y * stride + x] = rows[y * (stride + 1) + 1 + x]! + predicted;
    }
  }
  return { width, height, data };
}

const IMAGES = { noise: noise(33, 17), drawn: drawn(64, 40), 'one pixel': noise(1, 1), tall: noise(1, 300) };

for (const [name, image] of Object.entries(IMAGES)) {
  test(`${name}: the PNG holds the pixels, and decoding gives them back`, async () => {
    const png = await encodePng(image);
    assert.deepEqual(readPng(png), image);
    assert.deepEqual(await decodeImage(png), image);
  });
}

test('a PNG is a function of the pixels: the same bytes every time, and no text or time in it', async () => {
  const { width, height, data } = IMAGES.drawn;
  const png = await encodePng(IMAGES.drawn);
  // The same pixels as a view into the middle of other bytes.
  const larger = new Uint8Array(data.length + 20).fill(99);
  larger.set(data, 7);
  const again = await encodePng({ width, height, data: larger.subarray(7, 7 + data.length) });
  assert.ok(png.equals(again));
  const types = chunksOf(png).map(({ type }) => type);
  const allowed = ['IHDR', 'pHYs', 'IDAT', 'IEND'];
  assert.deepEqual(
    types.filter((type) => !allowed.includes(type)),
    [],
  );
  assert.ok(!png.equals(await encodePng({ width, height, data: data.with(0, data[0]! ^ 1) })));
});

test('an image whose bytes do not fit its size is refused by its numbers', async () => {
  for (const [width, height, length] of [
    [3, 2, 17],
    [3, 2, 19],
    [3, 2, 36],
    [0, 2, 0],
    [1.5, 2, 18],
  ]) {
    await assert.rejects(encodePng({ width: width!, height: height!, data: new Uint8Array(length!) }), {
      code: 'DIPTYCH_INVALID_INPUT',
      message: `an image of ${width} x ${height} pixels can't have ${length} bytes of RGB`,
    });
  }
});

/** A copy of the PNG whose header states another size, with the checksum that goes with it. */
function restated(png: Buffer, width: number, height: number, checksum = true): Buffer {
  const copy = Buffer.from(png);
  copy.writeUInt32BE(width, 16);
  copy.writeUInt32BE(height, 20);
  if (checksum) copy.writeUInt32BE(crc32(copy.subarray(12, 29)), 29);
  return copy;
}

test('what cannot be decoded is DIPTYCH_BAD_FILE with its length, and the cause', async () => {
  const png = await encodePng(IMAGES.noise);
  const { width, height } = IMAGES.noise;
  assert.deepEqual(await decodeImage(restated(png, width, height)), IMAGES.noise);
  const raw = { raw: { width: 4, height: 4, channels: 3 } } as const;
  const other = await sharp(new Uint8Array(48), raw).gif().toBuffer();
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2"/>';
  const broken: Record<string, Uint8Array> = {
    'no bytes': new Uint8Array(),
    'a page of text': Buffer.from('<html>not found</html>'),
    'without its magic': Buffer.from(png).fill(0, 0, 4),
    'truncated in the header': png.subarray(0, 20),
    'truncated half way': png.subarray(0, png.length >> 1),
    'truncated near its end': png.subarray(0, -40),
    'another width': restated(png, width + 1, height),
    'another height': restated(png, width, height + 1),
    'no width': restated(png, 0, height),
    'a size without its checksum': restated(png, width, height - 1, false),
    'a GIF': other,
    'an SVG': Buffer.from(svg),
  };
  for (const [what, bytes] of Object.entries(broken)) {
    await assert.rejects(decodeImage(bytes), (error: Error & { code: string }) => {
      assert.equal(error.code, 'DIPTYCH_BAD_FILE', what);
      assert.equal(
        error.message,
        `not a PNG, JPEG or WebP that can be decoded (${bytes.length} bytes)`,
        what,
      );
      assert.ok(error.cause instanceof Error && error.cause.message.length > 0, what);
      return true;
    });
  }
});

test('WebP and JPEG are read, grey and 16 bits become 8-bit RGB, transparency is laid on white', async () => {
  const { width, height, data } = IMAGES.drawn;
  const raw = (channels: 1 | 2 | 3 | 4, w = 2) => ({ raw: { width: w, height: 1, channels } });
  const source = sharp(data, { raw: { width, height, channels: 3 } });
  assert.deepEqual(await decodeImage(await source.clone().webp({ lossless: true }).toBuffer()), IMAGES.drawn);

  const flat = sharp(new Uint8Array(48).fill(100), { raw: { width: 4, height: 4, channels: 3 } });
  const jpeg = await decodeImage(await flat.jpeg({ quality: 100 }).toBuffer());
  assert.deepEqual([jpeg.width, jpeg.height, jpeg.data.length], [4, 4, 48]);
  assert.ok(jpeg.data.every((value) => Math.abs(value - 100) <= 1));

  const grey = sharp(Uint8Array.of(0, 200), raw(1)).toColourspace('b-w').png();
  assert.deepEqual((await decodeImage(await grey.toBuffer())).data, Uint8Array.of(0, 0, 0, 200, 200, 200));
  const deep = sharp(Uint16Array.of(0, 65535, 257 * 100), raw(3, 1))
    .toColourspace('rgb16')
    .png();
  assert.deepEqual((await decodeImage(await deep.toBuffer())).data, Uint8Array.of(0, 255, 100));

  // Colour times opacity, plus white times the rest: 100 * 128 / 255 + 127 = 177.2 and so on.
  const clear = sharp(Uint8Array.of(10, 20, 30, 0, 10, 20, 30, 255, 100, 0, 200, 128), raw(4, 3)).png();
  const onWhite = (await decodeImage(await clear.toBuffer())).data;
  assert.deepEqual([...onWhite.subarray(0, 6)], [255, 255, 255, 10, 20, 30]);
  for (const [i, colour] of [100, 0, 200].entries())
    assert.ok(Math.abs(onWhite[6 + i]! - ((colour * 128) / 255 + 127)) <= 1, `${onWhite[6 + i]}`);
});

test('a contact sheet shows every pixel where it belongs, enlarged, and black where no image is', () => {
  const [width, height, columns, scale] = [3, 2, 2, 4];
  const images = [1, 2, 3].map((seed) => noise(width, height, seed));
  const sheet = tileImages(images, columns, scale);
  assert.deepEqual([sheet.width, sheet.height, sheet.data.length], [24, 16, 3 * 24 * 16]);
  let checked = 0;
  for (let n = 0; n < 4; n++) {
    for (let y = 0; y < height * scale; y++) {
      for (let x = 0; x < width * scale; x++) {
        const at =
          3 * ((Math.floor(n / columns) * height * scale + y) * sheet.width + (n % columns) * 12 + x);
        const from = 3 * ((y >> 2) * width + (x >> 2));
        const want = images[n]?.data.subarray(from, from + 3) ?? Uint8Array.of(0, 0, 0);
        assert.deepEqual(sheet.data.subarray(at, at + 3), want, `image ${n} at ${x}, ${y}`);
        checked++;
      }
    }
  }
  assert.equal(checked, 24 * 16);
});

test('a contact sheet of one image at its own size is the image', () => {
  assert.deepEqual(tileImages([IMAGES.noise], 1), IMAGES.noise);
});

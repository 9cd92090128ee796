/** Broken, truncated and hostile Parquet: refused with the place, and nothing of it stays. */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { DiptychError } from '../../src/errors.ts';
import type { Column, Row } from '../../src/export/table.ts';
import { readPickapic } from '../../src/import/pickapic.ts';
import { createRandom } from '../../src/random.ts';
import { temporaryFolder } from '../temporary.ts';
import { COLUMNS, jpeg, writePickapic } from './made-up-pickapic.ts';
import { useImportService } from './service.ts';

const folder = await temporaryFolder({ after });
const service = await useImportService();
const { store, imported, importsFolder } = service;
const good = path.join(folder, 'good.parquet');
await writePickapic(good, 4);
const whole = await readFile(good);

const read = (file: string) => Array.fromAsync(readPickapic(file, 'x.parquet'));

async function refused(file: string, message: RegExp): Promise<void> {
  await assert.rejects(read(file), (thrown) => {
    assert.ok(thrown instanceof DiptychError, `${thrown}`);
    assert.equal(thrown.code, 'DIPTYCH_BAD_FILE');
    assert.match(thrown.message, message);
    return true;
  });
}

let count = 0;
async function fileOf(bytes: Uint8Array): Promise<string> {
  const file = path.join(folder, `${count++}.parquet`);
  await writeFile(file, bytes);
  return file;
}

test('files that are cut off or no Parquet', async () => {
  await refused(
    await fileOf(Buffer.alloc(0)),
    /^x.parquet: footer: the file has 0 bytes; the file is cut off/,
  );
  await refused(await fileOf(Buffer.from('PAR1 a text')), /footer: the file has 11 bytes/);
  await refused(
    await fileOf(Buffer.from('img_id,caption\n1,a cube')),
    /footer: does not end with PAR1; the file is cut off, damaged or no Parquet/,
  );
  for (const length of [12, 400, whole.length - 9, whole.length - 1])
    await refused(await fileOf(whole.subarray(0, length)), /footer: .*cut off, damaged or no Parquet/);
  const footer = whole.readUInt32LE(whole.length - 8);
  const end = whole.subarray(whole.length - 8 - footer);
  await refused(
    await fileOf(Buffer.concat([whole.subarray(0, 100), end])),
    /row group 0, rows 0 to 3, column \w+: lies at byte \d+ with \d+ bytes, outside of the file/,
  );
});

test('a footer that claims what can’t be', async () => {
  const long = Buffer.from(whole);
  long.writeUInt32LE(0xffffffff, whole.length - 8);
  await refused(await fileOf(long), /footer: claims 4294967295 bytes, the most allowed is 67108864/);
  const zeros = Buffer.from(whole);
  const footer = whole.readUInt32LE(whole.length - 8);
  zeros.fill(0, whole.length - 8 - footer, whole.length - 8);
  await refused(await fileOf(zeros), /footer: /);
});

test('whatever byte is wrong, it is a coded error or no harm', async () => {
  const random = createRandom(5);
  let errors = 0;
  for (let i = 0; i < 150; i++) {
    const bytes = Buffer.from(whole);
    // Mostly in the pages' headers and the footer, which are the ends of the file's parts.
    for (let flips = 1 + random.int(3); flips > 0; flips--) bytes[random.int(bytes.length)] = random.int(256);
    await read(await fileOf(bytes)).catch((thrown) => {
      assert.ok(thrown instanceof DiptychError && thrown.code === 'DIPTYCH_BAD_FILE', `${thrown.stack}`);
      errors++;
    });
  }
  assert.ok(errors > 20, `${errors}`);
});

const retyped = (name: string, type: Column['type']) =>
  COLUMNS.map((column) => (column.name === name ? { ...column, type } : column));

for (const [what, columns, change, message] of [
  [
    'no caption',
    COLUMNS.filter(({ name }) => name !== 'caption'),
    {},
    /^x.parquet: column caption: is missing; there are are_different, best_image_uid, created_at/,
  ],
  [
    'labels as text',
    retyped('label_0', 'string'),
    { label_0: '1' },
    /^x.parquet: column label_0: is BYTE_ARRAY \(UTF8\), must be float64/,
  ],
  [
    'images as text',
    retyped('jpg_1', 'string'),
    { jpg_1: 'x' },
    /column jpg_1: is BYTE_ARRAY \(UTF8\), must be binary/,
  ],
  [
    'images as structs',
    retyped('jpg_0', 'image'),
    { jpg_0: { bytes: Buffer.from('x'), path: '' } },
    /column jpg_0: is a group of columns, must be binary/,
  ],
  [
    'captions as bytes',
    retyped('caption', 'binary'),
    { caption: Buffer.from('x') },
    /column caption: is BYTE_ARRAY, must be string/,
  ],
] as const) {
  test(`${what}: the column's type is refused`, async () => {
    const file = path.join(folder, `${count++}.parquet`);
    await writePickapic(file, 2, (row) => ({ ...row, ...change }), columns);
    await refused(file, message);
  });
}

const cells: [what: string, change: Row, message: RegExp][] = [
  ['a null image', { jpg_0: null }, /^x.parquet: row group 1, row 1001, column jpg_0: is null/],
  ['a null caption', { caption: null }, /row 1001, column caption: is null/],
  ['a label between', { label_0: 0.7 }, /row 1001, column label_0: is 0.7, must be 0, 0.5 or 1/],
  ['a label that is no number', { label_0: Number.NaN }, /column label_0: is NaN/],
  [
    'labels that disagree',
    { label_0: 1, label_1: 1 },
    /column label_1: is 1, but label_0 is 1: together they must be 1/,
  ],
  [
    'a caption of any length',
    { caption: 'x'.repeat(9000) },
    /column caption: has 9000 characters, the most allowed is 8192/,
  ],
  ['a blank caption', { caption: ' ' }, /column caption: is empty/],
  ['a caption no database keeps', { caption: 'a\u0000b' }, /column caption: contains a NUL character/],
];
test('a wrong cell is told by row group, row and column', async () => {
  for (const [what, change, message] of cells) {
    const file = path.join(folder, `${count++}.parquet`);
    // A thousand rows are a row group.
    const small = { jpg_0: Buffer.from('x'), jpg_1: Buffer.from('x') };
    await writePickapic(file, 1003, (row, n) => ({ ...row, ...small, ...(n === 1001 ? change : {}) }));
    await assert.doesNotReject(refused(file, message), what);
  }
});

test('images that are none, and bombs: the import fails by name and place, and nothing stays', async () => {
  const bomb = await sharp({ create: { width: 8200, height: 8200, channels: 3, background: 'red' } })
    .png({ compressionLevel: 9 })
    .toBuffer();
  assert.ok(bomb.length < 1_000_000);
  const jpg = await jpeg(1);
  const half = jpg.subarray(0, jpg.length / 2);
  for (const [image, message] of [
    [Buffer.from('no image'), /column jpg_1: is not a PNG, JPEG or WebP that can be decoded \(8 bytes\)/],
    [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), /its format is svg|unsupported/],
    [half, /column jpg_1: is not a PNG, JPEG or WebP/],
    [bomb, /column jpg_1: .*exceeds pixel limit/],
  ] as const) {
    const file = path.join(folder, 'images.parquet');
    await writePickapic(file, 40, (row, n) => (n === 38 ? { ...row, jpg_1: image } : row));
    const run = await imported({ as: 'pickapic', annotationSet: 'bad', path: file });
    assert.equal(run.status, 'failed');
    assert.match(run.error!, /^stage "import-pickapic": images.parquet: row group 0, row 38, column jpg_1/);
    assert.match(run.error!, message);
    assert.deepEqual([await store.annotation.count(), await store.candidate.count()], [0, 0]);
    assert.deepEqual(await readdir(importsFolder), []);
    assert.deepEqual(await readdir(`${service.folder}/blobs`).catch(() => []), []);
  }
});

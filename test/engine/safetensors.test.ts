/** The safetensors format against files put together by hand, byte by byte. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  type HostTensor,
  readSafetensorsHeader,
  readTensors,
  writeSafetensors,
} from '../../src/engine/safetensors.ts';
import { createRandom } from '../../src/random.ts';
import { temporaryFolder } from '../temporary.ts';

/** The bytes of a file: 8-byte header length, header (an object, or any text), data. */
function fileOf(header: unknown, data: Uint8Array = new Uint8Array(), statedLength?: bigint): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, statedLength ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

async function written(t: TestContext, bytes: Uint8Array): Promise<string> {
  const file = path.join(await temporaryFolder(t), 'weights.safetensors');
  await writeFile(file, bytes);
  return file;
}

/** Data written value by value with a DataView method. */
function dataOf<V>(
  values: readonly V[],
  size: number,
  set: (view: DataView, at: number, value: V) => void,
): Uint8Array {
  const bytes = new Uint8Array(values.length * size);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) set(view, i * size, value);
  return bytes;
}

/** Reads one tensor "x" of that type out of a file made by hand. */
async function decoded(t: TestContext, dtype: string, data: Uint8Array, count: number): Promise<HostTensor> {
  const header = { x: { dtype, shape: [count], data_offsets: [0, data.length] } };
  return (await readTensors(await written(t, fileOf(header, data)))).x!;
}

const entry = (offsets: unknown, shape: unknown = [2], dtype: unknown = 'F32') => ({
  dtype,
  shape,
  data_offsets: offsets,
});
const eight = new Uint8Array(8);

const BROKEN: { what: string; bytes: Uint8Array; message: RegExp }[] = [
  { what: 'an empty file', bytes: new Uint8Array(), message: /: has 0 bytes, too few for a .* header$/ },
  { what: 'seven bytes', bytes: new Uint8Array(7), message: /: has 7 bytes, too few for a .* header$/ },
  {
    what: 'a header longer than the file',
    bytes: fileOf('{}', eight, 11n),
    message: /: states a header of 11 bytes; is it a safetensors file\?$/,
  },
  {
    what: 'a text file',
    bytes: Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:abc\n'),
    message: /: states a header of \d{19} bytes; is it a safetensors file\?$/,
  },
  {
    what: 'a header length of 64 ones',
    bytes: fileOf('{}', eight, 2n ** 64n - 1n),
    message: /: states a header of 18446744073709552000 bytes;/,
  },
  { what: 'a header that is not JSON', bytes: fileOf('{"x": '), message: /: the header is not JSON$/ },
  { what: 'a header of no bytes', bytes: fileOf(''), message: /: the header is not JSON$/ },
  ...['null', '7', '"text"', '[]'].map((json) => ({
    what: `a header that is ${json}`,
    bytes: fileOf(json, eight),
    message: /: the header is not a JSON object$/,
  })),
  {
    what: 'an entry that is null',
    bytes: fileOf({ x: null }, eight),
    message: /: tensor "x" has no valid dtype and shape$/,
  },
  {
    what: 'a dtype that is a number',
    bytes: fileOf({ x: entry([0, 8], [2], 4) }, eight),
    message: /: tensor "x" has no valid dtype and shape$/,
  },
  ...[-1, 1.5, '2', null, 2 ** 53].map((size) => ({
    what: `a shape with ${JSON.stringify(size)} in it`,
    bytes: fileOf({ x: entry([0, 8], [2, size]) }, eight),
    message: /: tensor "x" has no valid dtype and shape$/,
  })),
  ...['F8_E4M3', 'toString'].map((dtype) => ({
    what: `the unknown dtype ${dtype}`,
    bytes: fileOf({ x: entry([0, 8], [8], dtype) }, eight),
    message: new RegExp(`: tensor "x" has dtype ${dtype}; readable are F64, F32, F16, BF16, I64, I32, U8$`),
  })),
  ...[undefined, [8], [0, 4, 8], ['0', '8'], [-8, 0], [0.5, 8.5]].map((offsets) => ({
    what: `data_offsets ${JSON.stringify(offsets)}`,
    bytes: fileOf({ x: entry(offsets) }, eight),
    message: /: tensor "x" has no valid data_offsets$/,
  })),
  {
    what: 'more bytes than its shape needs',
    bytes: fileOf({ x: entry([0, 8], [1]) }, eight),
    message: /: tensor "x" spans 8 bytes, its shape \[1\] needs 4$/,
  },
  {
    what: 'fewer bytes than its shape needs',
    bytes: fileOf({ x: entry([0, 8], [3, 5]) }, eight),
    message: /: tensor "x" spans 8 bytes, its shape \[3,5\] needs 60$/,
  },
  {
    what: 'offsets in the wrong order',
    bytes: fileOf({ x: entry([8, 0]) }, eight),
    message: /: tensor "x" spans -8 bytes, its shape \[2\] needs 8$/,
  },
  {
    what: 'truncated data',
    bytes: fileOf({ x: entry([0, 8]) }, eight).slice(0, -1),
    // 8 bytes of length, 54 of header, 8 of data.
    message: /: tensor "x" ends at byte 70, the file at 69$/,
  },
  {
    what: 'offsets behind the end of the file',
    bytes: fileOf({ x: entry([8000, 8008]) }, eight),
    message: /: tensor "x" ends at byte \d{4}, the file at \d\d$/,
  },
  {
    what: 'tensors that overlap',
    bytes: fileOf({ x: entry([0, 8]), y: entry([4, 12]) }, new Uint8Array(12)),
    message: /: tensor "y" begins at byte 4 of the data, the one before it ends at 8$/,
  },
  {
    what: 'a gap between tensors',
    bytes: fileOf({ y: entry([12, 20]), x: entry([0, 8]) }, new Uint8Array(20)),
    message: /: tensor "y" begins at byte 12 of the data, the one before it ends at 8$/,
  },
  {
    what: 'bytes that belong to no tensor',
    bytes: fileOf({ x: entry([0, 8]) }, new Uint8Array(11)),
    message: /: 3 bytes behind the last tensor$/,
  },
];

for (const { what, bytes, message } of BROKEN) {
  test(`${what}: DIPTYCH_BAD_FILE, naming the file`, async (t) => {
    const file = await written(t, bytes);
    for (const read of [readSafetensorsHeader, readTensors]) {
      await assert.rejects(read(file), (error: Error & { code: string }) => {
        assert.equal(error.code, 'DIPTYCH_BAD_FILE');
        assert.match(error.message, message);
        assert.ok(error.message.startsWith(`${file}: `), error.message);
        return true;
      });
    }
  });
}

test('a file that is not there, a folder, and a tensor that is not there: DIPTYCH_BAD_FILE', async (t) => {
  const folder = await temporaryFolder(t);
  const missing = path.join(folder, 'missing.safetensors');
  await assert.rejects(readTensors(missing), {
    code: 'DIPTYCH_BAD_FILE',
    message: `can't open ${missing}: ENOENT: no such file or directory, open '${missing}'`,
  });
  const inside = path.join(folder, 'folder');
  await mkdir(inside);
  await assert.rejects(readTensors(inside), {
    code: 'DIPTYCH_BAD_FILE',
    message: `${inside}: is not a file`,
  });
  const file = await written(t, fileOf({ x: entry([0, 8]) }, eight));
  await assert.rejects(readTensors(file, ['x', 'z']), {
    code: 'DIPTYCH_BAD_FILE',
    message: `${file} holds no tensor "z"`,
  });
});

test('F32, F64, I32 and U8 come back as a DataView wrote them, bit for bit', async (t) => {
  const floats = [0, -0, 1, -1.5, 1 / 3, 1e-45, 3.4028234663852886e38, Infinity, -Infinity, NaN];
  const f32 = await decoded(
    t,
    'F32',
    dataOf(floats, 4, (view, at, x) => view.setFloat32(at, x, true)),
    floats.length,
  );
  assert.deepEqual(f32, { shape: [10], dtype: 'float32', data: Float32Array.from(floats) });

  // Narrowed to the nearest float32: what is too large becomes infinite, what is too small zero.
  const doubles = [...floats, Math.PI, 1e300, -1e300, 1e-300];
  const f64 = await decoded(
    t,
    'F64',
    dataOf(doubles, 8, (view, at, x) => view.setFloat64(at, x, true)),
    doubles.length,
  );
  assert.deepEqual([...f64.data], [...floats.map(Math.fround), Math.fround(Math.PI), Infinity, -Infinity, 0]);
  assert.equal(f64.dtype, 'float32');

  const whole = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)];
  const i32 = await decoded(
    t,
    'I32',
    dataOf(whole, 4, (view, at, x) => view.setInt32(at, x, true)),
    whole.length,
  );
  assert.deepEqual(i32, { shape: [5], dtype: 'int32', data: Int32Array.from(whole) });
  const u8 = await decoded(t, 'U8', Uint8Array.of(0, 1, 127, 128, 255), 5);
  assert.deepEqual(u8, { shape: [5], dtype: 'int32', data: Int32Array.of(0, 1, 127, 128, 255) });
});

test('I64 narrows to int32, and what int32 cannot hold is refused by its value', async (t) => {
  const bytes = (values: bigint[]) => dataOf(values, 8, (view, at, x) => view.setBigInt64(at, x, true));
  const whole = [0n, 1n, -1n, 2n ** 31n - 1n, -(2n ** 31n)];
  assert.deepEqual(await decoded(t, 'I64', bytes(whole), 5), {
    shape: [5],
    dtype: 'int32',
    data: Int32Array.of(0, 1, -1, 2 ** 31 - 1, -(2 ** 31)),
  });
  for (const wide of [2n ** 31n, -(2n ** 31n) - 1n, 2n ** 32n, 2n ** 62n]) {
    await assert.rejects(decoded(t, 'I64', bytes([1n, wide]), 2), {
      code: 'DIPTYCH_BAD_FILE',
      message: new RegExp(`: tensor "x" holds ${wide}, more than an int32$`),
    });
  }
});

test('F16 widens exactly: zeros, subnormals, ordinary numbers, infinities and NaN', async (t) => {
  const known: [number, number][] = [
    [0x0000, 0],
    [0x8000, -0],
    [0x0001, 2 ** -24],
    [0x8001, -(2 ** -24)],
    [0x03ff, 6.097555160522461e-5],
    [0x0400, 6.103515625e-5],
    [0x3555, 0.333251953125],
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
    [0x7c01, NaN],
    [0x7e00, NaN],
    [0xfe00, NaN],
  ];
  const data = dataOf(known, 2, (view, at, [half]) => view.setUint16(at, half, true));
  const f16 = await decoded(t, 'F16', data, known.length);
  assert.deepEqual(f16, {
    shape: [known.length],
    dtype: 'float32',
    data: Float32Array.from(known, ([, value]) => value),
  });
});

test('BF16 widens exactly: all 65536 of them are the upper half of a float32', async (t) => {
  const halves = Array.from({ length: 0x10000 }, (_, i) => i);
  const data = dataOf(halves, 2, (view, at, half) => view.setUint16(at, half, true));
  const bf16 = await decoded(t, 'BF16', data, halves.length);
  assert.equal(bf16.dtype, 'float32');
  const view = new DataView(new ArrayBuffer(4));
  for (const half of halves) {
    view.setUint16(0, half);
    assert.ok(Object.is(bf16.data[half], view.getFloat32(0)), half.toString(16));
  }
  const known: [number, number][] = [
    [0x3f80, 1],
    [0xc049, -3.140625],
    [0x0001, 9.183549615799121e-41],
    [0x7f80, Infinity],
    [0x7fc0, NaN],
  ];
  for (const [half, value] of known) assert.ok(Object.is(bf16.data[half], value), half.toString(16));
});

/** About 4 MB in tensors of every rank, one of them empty, one a view into the middle of a larger buffer. */
function manyTensors(): Record<string, HostTensor> {
  const random = createRandom(11);
  const floats = (n: number) => Float32Array.from({ length: n }, () => random.normal());
  return {
    'z.last': { shape: [256, 4096], dtype: 'float32', data: floats(1 << 20) },
    'a.conv': { shape: [4, 3, 3, 3], dtype: 'float32', data: floats(108) },
    'm.scalar': { shape: [], dtype: 'float32', data: floats(1) },
    'm.empty': { shape: [0, 5], dtype: 'float32', data: new Float32Array() },
    'm.view': { shape: [7], dtype: 'float32', data: floats(20).subarray(5, 12) },
    'ids "\u00e9\u4e16"': { shape: [2, 3], dtype: 'int32', data: Int32Array.of(1, -2, 3, -4, 5, -(2 ** 31)) },
    nothing: { shape: [0], dtype: 'int32', data: new Int32Array() },
    odd: { shape: [3], dtype: 'float32', data: Float32Array.of(NaN, Infinity, -0) },
  };
}

test('what is written is read back bit for bit, with metadata, empty tensors and a name in any script', async (t) => {
  const folder = await temporaryFolder(t);
  const file = path.join(folder, 'all.safetensors');
  const tensors = manyTensors();
  await writeFile(file, 'an older file');
  await writeSafetensors(file, tensors, { format: 'pt', note: 'step 12 \u2713' });
  assert.deepEqual(await readTensors(file), tensors);
  const header = await readSafetensorsHeader(file);
  assert.deepEqual(header.metadata, { format: 'pt', note: 'step 12 \u2713' });
  assert.deepEqual([...header.entries.keys()], Object.keys(tensors).sort());
  assert.deepEqual(Object.keys(await readTensors(file, ['m.view', 'a.conv'])), ['m.view', 'a.conv']);
  assert.deepEqual(await readdir(folder), ['all.safetensors'], 'no temporary file is left');
});

test('a written file is laid out as the format says: padded header, data in the order of the names', async (t) => {
  const file = path.join(await temporaryFolder(t), 'all.safetensors');
  const tensors = manyTensors();
  await writeSafetensors(file, tensors);
  const bytes = await readFile(file);
  const length = Number(bytes.readBigUInt64LE(0));
  assert.equal(length % 8, 0);
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length));
  assert.deepEqual(header.__metadata__, { format: 'pt' });
  let end = 0;
  for (const name of Object.keys(tensors).sort()) {
    const { shape, dtype, data } = tensors[name]!;
    assert.deepEqual(header[name], {
      dtype: dtype === 'float32' ? 'F32' : 'I32',
      shape,
      data_offsets: [end, end + 4 * data.length],
    });
    for (const at of [0, data.length >> 1, data.length - 1].filter((i) => i in data)) {
      const position = 8 + length + end + 4 * at;
      const got = dtype === 'float32' ? bytes.readFloatLE(position) : bytes.readInt32LE(position);
      assert.ok(Object.is(got, data[at]), `${name}[${at}]`);
    }
    end += 4 * data.length;
  }
  assert.equal(bytes.length, 8 + length + end);
});

test('a file without tensors is a file', async (t) => {
  const file = path.join(await temporaryFolder(t), 'none.safetensors');
  await writeSafetensors(file, {});
  assert.deepEqual(await readTensors(file), {});
});

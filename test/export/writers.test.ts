/** The two Parquet writers at the edges of their types, and beside each other in pyarrow, pandas and DuckDB. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { OPEN_TABLE, type OpenTable } from '../../src/export/parquet-writers.ts';
import { type Column, type ColumnType, GROUP_BYTES, type Row } from '../../src/export/table.ts';
import { python, withoutPython } from '../python.ts';
import { temporaryFolder } from '../temporary.ts';
import { sha256 } from './made-up.ts';
import { declared, featuresOf, readMetadata, readRows } from './read.ts';

const WRITERS = Object.entries(OPEN_TABLE);
const column = (type: ColumnType, name = 'v'): Column => ({ name, type, about: '' });

/** The values after a file was written and read. */
async function throughFile(
  t: TestContext,
  open: OpenTable,
  type: ColumnType,
  values: unknown[],
): Promise<unknown[]> {
  const file = path.join(await temporaryFolder(t), 'table.parquet');
  const writer = await open(file, [column(type)]);
  for (const v of values) await writer.write({ v });
  const closed = await writer.close();
  const written = await readFile(file);
  assert.deepEqual(closed, {
    path: file,
    rows: values.length,
    bytes: written.length,
    sha256: sha256(written),
  });
  // A struct that is null reads as undefined.
  return (await readRows(file)).map(({ v }) => v ?? null);
}

const VALUES: Record<ColumnType, unknown[]> = {
  string: ['', '😀🏳️‍🌈 é', 'a\u0000b', null, 'x'.repeat(100_000), 'null'],
  int32: [0, -(2 ** 31), 2 ** 31 - 1, null],
  int64: [0n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), null],
  float64: [0.1, -0, NaN, 0, 5e-324, -1.7976931348623157e308, Infinity, -Infinity, null],
  bool: [true, false, null],
  timestamp: [new Date(-1), new Date('1901-02-03T04:05:06.789Z'), new Date('2199-12-31'), null],
  binary: [Uint8Array.of(0, 255, 128), new Uint8Array(), null],
  image: [{ bytes: Uint8Array.of(1), path: 'a.png' }, null],
};
const REFUSED: [ColumnType, unknown[]][] = [
  ['string', [5, true]],
  ['int32', [1.5, 2 ** 31, -(2 ** 31) - 1, NaN, '7', 7n]],
  ['float64', ['0.5', 1n]],
  ['bool', ['no', 0]],
];

for (const [name, open] of WRITERS) {
  for (const [type, values] of Object.entries(VALUES) as [ColumnType, unknown[]][]) {
    test(`${name}: ${type} values come back as they went in`, async (t) => {
      assert.deepEqual(await throughFile(t, open, type, values), values);
    });
  }

  for (const [type, values] of REFUSED) {
    test(`${name}: ${type} refuses what it would change`, async (t) => {
      for (const value of values) {
        await assert.rejects(throughFile(t, open, type, [value]), {
          code: 'DIPTYCH_INVALID_INPUT',
          message: `column v is ${type} and can't hold ${String(value)}`,
        });
      }
    });
  }

  test(`${name}: nothing has the final name before close, and an empty table is a file`, async (t) => {
    const file = path.join(await temporaryFolder(t), 'table.parquet');
    const writer = await open(file, [column('string'), column('float64', 'w')]);
    assert.equal(existsSync(file), false);
    await writer.close();
    assert.deepEqual(await readRows(file), []);
    const metadata = await readMetadata(file);
    assert.deepEqual(declared(metadata), ['v BYTE_ARRAY/UTF8', 'w DOUBLE/-']);
    assert.deepEqual(featuresOf(metadata).w, { dtype: 'float64', _type: 'Value' });
  });

  test(`${name}: thousands of rows keep their order over row groups`, async (t) => {
    const values = Array.from({ length: 2500 }, (_, i) => `row ${i}`);
    assert.deepEqual(await throughFile(t, open, 'string', values), values);
  });

  test(`${name}: NaN and negative zero, repeated`, async (t) => {
    const values = Array.from({ length: 50 }, (_, i) => [0, -0, NaN][i % 3]);
    assert.deepEqual(await throughFile(t, open, 'float64', values), values);
  });

  test(`${name}: integers that a number has rounded are refused`, async (t) => {
    for (const value of [2 ** 53, -(2 ** 53), 2n ** 63n, 0.5, Infinity]) {
      await assert.rejects(throughFile(t, open, 'int64', [value]), { code: 'DIPTYCH_INVALID_INPUT' });
    }
    assert.deepEqual(await throughFile(t, open, 'int64', [2 ** 53 - 1]), [2n ** 53n - 1n]);
  });

  test(`${name}: row groups are cut by bytes, and no image stands in the footer`, async (t) => {
    const file = path.join(await temporaryFolder(t), 'table.parquet');
    const writer = await open(file, [column('binary'), column('image', 'w')]);
    const bytes = Buffer.alloc(GROUP_BYTES / 32, 7);
    for (let n = 0; n < 40; n++) await writer.write({ v: bytes, w: { bytes, path: `${n}.png` } });
    await writer.close();
    const { row_groups, metadata_length } = await readMetadata(file);
    const sizes = row_groups.map((group) => Number(group.total_byte_size));
    assert.deepEqual(
      row_groups.map((group) => Number(group.num_rows)),
      [16, 16, 8],
    );
    assert.ok(Math.max(...sizes) < GROUP_BYTES * 1.01, `${sizes}`);
    assert.ok(metadata_length < 10_000, `${metadata_length}`);
    const codecs = row_groups[0]!.columns.map(({ meta_data }) => meta_data!.codec);
    assert.deepEqual(codecs.slice(0, 2), ['UNCOMPRESSED', 'UNCOMPRESSED']);
  });
}

interface Read {
  types: Record<string, string>;
  pyarrow: unknown[];
  pandas: unknown[];
  duckdb: unknown[];
}

test('both writers give pyarrow, pandas and DuckDB the same values', { skip: withoutPython }, async (t) => {
  const folder = await temporaryFolder(t);
  const types = Object.keys(VALUES) as ColumnType[];
  // Long enough for several pages and row groups, and every column with a cycle of its own.
  const rows = Array.from({ length: 2500 }, (_, n): Row => {
    const valueAt = (type: ColumnType) => VALUES[type][n % VALUES[type].length];
    const row = Object.fromEntries(types.map((type) => [type, valueAt(type)]));
    return row.string === VALUES.string[4] ? { ...row, string: `row ${n}` } : row;
  });
  const seen = await Promise.all(
    WRITERS.map(async ([name, open]) => {
      const file = path.join(folder, `${name}.parquet`);
      const writer = await open(
        file,
        types.map((type) => column(type, type)),
      );
      for (const row of rows) await writer.write(row);
      await writer.close();
      return python<Read>('export/read_values.py', folder, file);
    }),
  );
  const want = rows.map((row) => types.map((type) => plainOf(row[type])));
  for (const [i, read] of seen.entries()) {
    assert.deepEqual(read.types, {
      string: 'string',
      int32: 'int32',
      int64: 'int64',
      float64: 'double',
      bool: 'bool',
      timestamp: 'timestamp[ms, tz=UTC]',
      binary: 'binary',
      image: 'struct<bytes: binary, path: string>',
    });
    for (const reader of ['pyarrow', 'pandas', 'duckdb'] as const) {
      assert.deepEqual(read[reader], want, `${WRITERS[i]![0]} in ${reader}`);
    }
  }
});

/** As read_values.py tells a value: what JSON would change is text. */
function plainOf(value: unknown): unknown {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') return `text ${value}`;
  if (value instanceof Date) return `time ${value.getTime()}`;
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (typeof value === 'object')
    return Object.fromEntries(Object.entries(value!).map(([key, inner]) => [key, plainOf(inner)]));
  if (typeof value === 'bigint' || Number.isSafeInteger(value) || Number.isNaN(value)) {
    return Object.is(value, -0) ? 'number -0' : `number ${value}`;
  }
  const bits = Buffer.alloc(8);
  bits.writeDoubleBE(value as number);
  return `double ${bits.toString('hex')}`;
}

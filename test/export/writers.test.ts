/** The two Parquet writers at the edges of their types. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { parquetWriter } from '../../src/export/parquet.ts';
import { parquetLiteWriter } from '../../src/export/parquet-lite.ts';
import type { Column, ColumnType, TableWriter } from '../../src/export/table.ts';
import { temporaryFolder } from '../temporary.ts';
import { declared, featuresOf, readMetadata, readRows } from './read.ts';

type Open = (path: string, columns: readonly Column[]) => TableWriter | Promise<TableWriter>;
const WRITERS: [string, Open][] = [
  ['hyparquet-writer', parquetWriter],
  ['parquetjs-lite', parquetLiteWriter],
];
const column = (type: ColumnType, name = 'v'): Column => ({ name, type, about: '' });

/** The values after a file was written and read. */
async function throughFile(
  t: TestContext,
  open: Open,
  type: ColumnType,
  values: unknown[],
): Promise<unknown[]> {
  const file = path.join(await temporaryFolder(t), 'table.parquet');
  const writer = await open(file, [column(type)]);
  for (const v of values) await writer.write({ v });
  assert.deepEqual(await writer.close(), { path: file, rows: values.length });
  // A struct that is null reads as undefined.
  return (await readRows(file)).map(({ v }) => v ?? null);
}

const SHARED: [ColumnType, unknown[]][] = [
  ['string', ['', '😀🏳️‍🌈 é', 'a\u0000b', null, 'x'.repeat(100_000), 'null']],
  ['int32', [0, -(2 ** 31), 2 ** 31 - 1, null]],
  ['float64', [0.1, 5e-324, -1.7976931348623157e308, Infinity, -Infinity, null]],
  ['bool', [true, false, null]],
];
const MORE: [ColumnType, unknown[]][] = [
  ['int64', [0n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), null]],
  ['timestamp', [new Date(-1), new Date('1901-02-03T04:05:06.789Z'), new Date('2199-12-31'), null]],
  ['binary', [Uint8Array.of(0, 255, 128), new Uint8Array(), null]],
  ['image', [{ bytes: Uint8Array.of(1), path: 'a.png' }, null]],
];
const REFUSED: [ColumnType, unknown[]][] = [
  ['string', [5, true]],
  ['int32', [1.5, 2 ** 31, -(2 ** 31) - 1, NaN, '7', 7n]],
  ['float64', ['0.5', 1n]],
  ['bool', ['no', 0]],
];

for (const [name, open] of WRITERS) {
  for (const [type, values] of [...SHARED, ...(open === parquetWriter ? MORE : [])]) {
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
}

test('hyparquet-writer: NaN and negative zero, alone and repeated', async (t) => {
  const values = Array.from({ length: 50 }, (_, i) => [0, -0, NaN][i % 3]);
  assert.deepEqual(await throughFile(t, parquetWriter, 'float64', values), values);
});

test('parquetjs-lite: negative zero becomes zero, NaN is refused', async (t) => {
  assert.deepEqual(await throughFile(t, parquetLiteWriter, 'float64', [-0]), [0]);
  await assert.rejects(throughFile(t, parquetLiteWriter, 'float64', [NaN]), {
    code: 'DIPTYCH_INVALID_INPUT',
    message: "column v can't hold NaN in this writer",
  });
});

test('hyparquet-writer: integers that a number has rounded are refused', async (t) => {
  for (const value of [2 ** 53, -(2 ** 53), 2n ** 63n, 0.5, Infinity]) {
    await assert.rejects(throughFile(t, parquetWriter, 'int64', [value]), { code: 'DIPTYCH_INVALID_INPUT' });
  }
  assert.deepEqual(await throughFile(t, parquetWriter, 'int64', [2 ** 53 - 1]), [2n ** 53n - 1n]);
});

test("parquetjs-lite: columns that it can't keep whole are refused when the table is opened", async (t) => {
  const file = path.join(await temporaryFolder(t), 'table.parquet');
  for (const type of ['int64', 'timestamp', 'binary', 'image'] as const) {
    await assert.rejects(parquetLiteWriter(file, [column(type)]), {
      code: 'DIPTYCH_INVALID_INPUT',
      message: `column v is ${type}; not for this writer`,
    });
  }
});

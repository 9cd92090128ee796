/**
 * Parquet by parquetjs-lite, which is kept from what it does wrong: statistics and page index are off (readers drop
 * matching rows by them, and blobs would stand in the footer), row groups are cut by bytes, and 64-bit integers and
 * doubles go in as they are, for its own conversion rounds the first above 2^53, refuses NaN and drops the sign of 0.
 */
import { rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileSink } from './sink.ts';
import {
  type Column,
  checkedValue,
  GROUP_BYTES,
  GROUP_ROWS,
  huggingFaceFeatures,
  sizeOf,
  type TableWriter,
} from './table.ts';

type Callback = (error?: Error) => void;
interface OutputStream {
  write(bytes: Uint8Array, done: Callback): void;
  end(done: Callback): void;
}
interface ParquetLite {
  ParquetSchema: new (fields: Record<string, unknown>) => unknown;
  ParquetWriter: {
    openStream(schema: unknown, out: OutputStream, options: Record<string, unknown>): Promise<LiteWriter>;
  };
}
interface LiteWriter {
  appendRow(row: Record<string, unknown>): Promise<void>;
  setMetadata(key: string, value: string): void;
  setRowGroupSize(rows: number): void;
  close(): Promise<void>;
}
interface LiteTypes {
  PARQUET_LOGICAL_TYPES: Record<string, { toPrimitive(value: unknown): unknown }>;
}

const require = createRequire(import.meta.url);
const { ParquetSchema, ParquetWriter } = require('parquetjs-lite') as ParquetLite;
const { PARQUET_LOGICAL_TYPES } = require('parquetjs-lite/lib/types') as LiteTypes;
for (const type of ['INT64', 'DOUBLE']) PARQUET_LOGICAL_TYPES[type]!.toPrimitive = (value) => value;

/** Rows of a page: one with thousands of images would be copied whole. */
const PAGE_ROWS = 200;

const plain = { optional: true, statistics: false, compression: 'UNCOMPRESSED' };
const compressed = { ...plain, compression: 'SNAPPY' };
const FIELDS: Record<Column['type'], Record<string, unknown>> = {
  string: { ...compressed, type: 'UTF8' },
  int32: { ...compressed, type: 'INT32' },
  int64: { ...compressed, type: 'INT64' },
  float64: { ...compressed, type: 'DOUBLE' },
  bool: { ...compressed, type: 'BOOLEAN' },
  timestamp: { ...compressed, type: 'TIMESTAMP_MILLIS' },
  binary: { ...plain, type: 'BYTE_ARRAY' },
  image: {
    optional: true,
    fields: { bytes: { ...plain, type: 'BYTE_ARRAY' }, path: { ...compressed, type: 'UTF8' } },
  },
};

export async function parquetLiteWriter(path: string, columns: readonly Column[]): Promise<TableWriter> {
  const partial = `${path}.partial`;
  const sink = fileSink(partial);
  const out: OutputStream = {
    write(bytes, done) {
      sink.write(bytes);
      done();
    },
    end: (done) => done(),
  };
  const schema = new ParquetSchema(Object.fromEntries(columns.map(({ name, type }) => [name, FIELDS[type]])));
  const writer = await ParquetWriter.openStream(schema, out, { pageIndex: false, pageSize: PAGE_ROWS });
  writer.setMetadata('huggingface', huggingFaceFeatures(columns));
  let [rows, bytes] = [0, 0];
  return {
    async write(row) {
      const present: Record<string, unknown> = {};
      for (const column of columns) {
        const value = checkedValue(row, column);
        if (value !== null) present[column.name] = value;
        bytes += sizeOf(value);
      }
      // A row that finds the group this large ends it.
      writer.setRowGroupSize(bytes >= GROUP_BYTES ? 1 : GROUP_ROWS);
      if (bytes >= GROUP_BYTES) bytes = 0;
      await writer.appendRow(present);
      rows++;
    },
    async close() {
      await writer.close();
      const written = sink.close();
      await rename(partial, path);
      return { path, rows, ...written };
    },
  };
}

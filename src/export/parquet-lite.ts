/**
 * Parquet without images (parquetjs-lite). Statistics and page index are off: what the library writes there makes
 * some readers drop matching rows. Integers beyond 2^53 are not for this writer.
 */
import { rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Column, huggingFaceFeatures, type TableWriter } from './table.ts';

interface ParquetLite {
  ParquetSchema: new (fields: Record<string, unknown>) => unknown;
  ParquetWriter: {
    openFile(schema: unknown, path: string, options: Record<string, unknown>): Promise<LiteWriter>;
  };
}
interface LiteWriter {
  appendRow(row: Record<string, unknown>): Promise<void>;
  setMetadata(key: string, value: string): void;
  setRowGroupSize(rows: number): void;
  close(): Promise<void>;
}

const { ParquetSchema, ParquetWriter } = createRequire(import.meta.url)('parquetjs-lite') as ParquetLite;
const TYPES: Partial<Record<Column['type'], string>> = {
  string: 'UTF8',
  int32: 'INT32',
  float64: 'DOUBLE',
  bool: 'BOOLEAN',
};

export async function parquetLiteWriter(path: string, columns: readonly Column[]): Promise<TableWriter> {
  const partial = `${path}.partial`;
  const fields = columns.map(({ name, type }) => [
    name,
    { type: TYPES[type], optional: true, statistics: false, compression: 'SNAPPY' },
  ]);
  const schema = new ParquetSchema(Object.fromEntries(fields));
  const writer = await ParquetWriter.openFile(schema, partial, { pageIndex: false });
  writer.setMetadata('huggingface', huggingFaceFeatures(columns));
  writer.setRowGroupSize(1000);
  let rows = 0;
  return {
    async write(row) {
      rows++;
      const present = Object.entries(row).filter(([, value]) => value !== null && value !== undefined);
      await writer.appendRow(Object.fromEntries(present));
    },
    async close() {
      await writer.close();
      await rename(partial, path);
      return { path, rows };
    },
  };
}

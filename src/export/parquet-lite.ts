/**
 * Parquet without images (parquetjs-lite). Statistics and page index are off: what the library writes there makes
 * some readers drop matching rows. It has no 64-bit integers, dates, bytes or NaN, and writes -0 as 0.
 */
import { rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { DiptychError } from '../errors.ts';
import { type Column, checkedValue, huggingFaceFeatures, type TableWriter } from './table.ts';

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
  const fields = columns.map(({ name, type }) => {
    if (!TYPES[type])
      throw new DiptychError('DIPTYCH_INVALID_INPUT', `column ${name} is ${type}; not for this writer`);
    return [name, { type: TYPES[type], optional: true, statistics: false, compression: 'SNAPPY' }];
  });
  const schema = new ParquetSchema(Object.fromEntries(fields));
  const writer = await ParquetWriter.openFile(schema, partial, { pageIndex: false });
  writer.setMetadata('huggingface', huggingFaceFeatures(columns));
  writer.setRowGroupSize(1000);
  let rows = 0;
  return {
    async write(row) {
      const present: Record<string, unknown> = {};
      for (const column of columns) {
        const value = checkedValue(row, column);
        if (Number.isNaN(value))
          throw new DiptychError(
            'DIPTYCH_INVALID_INPUT',
            `column ${column.name} can't hold NaN in this writer`,
          );
        if (value !== null) present[column.name] = value;
      }
      await writer.appendRow(present);
      rows++;
    },
    async close() {
      await writer.close();
      await rename(partial, path);
      return { path, rows };
    },
  };
}

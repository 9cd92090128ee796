/** The libraries that write Parquet, behind one interface. */
import { parquetWriter } from './parquet.ts';
import { parquetLiteWriter } from './parquet-lite.ts';
import type { Column, TableWriter } from './table.ts';

export const PARQUET_WRITERS = ['hyparquet-writer', 'parquetjs-lite'] as const;
export type ParquetWriterName = (typeof PARQUET_WRITERS)[number];

export type OpenTable = (path: string, columns: readonly Column[]) => Promise<TableWriter>;

export const OPEN_TABLE: Record<ParquetWriterName, OpenTable> = {
  'hyparquet-writer': parquetWriter,
  'parquetjs-lite': parquetLiteWriter,
};

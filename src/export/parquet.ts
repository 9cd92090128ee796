/**
 * Parquet with images (hyparquet-writer): rows are gathered into groups of bounded size and written out one by
 * one. The file carries its final name only when it is whole.
 */
import { rename } from 'node:fs/promises';
import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import { type Column, checkedValue, huggingFaceFeatures, type Row, type TableWriter } from './table.ts';

/** A row group is written at this many bytes or rows, whichever comes first (Hugging Face asks for <= 100 MB). */
const GROUP_BYTES = 32 * 1024 * 1024;
const GROUP_ROWS = 1000;

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];

export function parquetWriter(path: string, columns: readonly Column[]): TableWriter {
  const partial = `${path}.partial`;
  const writer = fileWriter(partial);
  const parquet = new ParquetWriter({
    writer,
    schema: schemaOf(columns),
    // Images are compressed already, and their statistics would be whole images.
    codec: 'SNAPPY',
    kvMetadata: [{ key: 'huggingface', value: huggingFaceFeatures(columns) }],
    createdBy: 'diptych',
  });
  let group: Row[] = [];
  let [bytes, rows] = [0, 0];

  async function flush(): Promise<void> {
    if (group.length === 0) return;
    const columnData = columns.map(({ name, type }) => {
      const data = group.map((row) => row[name]);
      if (type === 'image' || type === 'binary')
        return { name, data, statistics: false, codec: 'UNCOMPRESSED' as const, encoding: 'PLAIN' as const };
      // A dictionary of the library would make 0 and -0 one value.
      return type === 'float64' ? { name, data, encoding: 'PLAIN' as const } : { name, data };
    });
    await parquet.write({ columnData, rowGroupSize: group.length });
    group = [];
    bytes = 0;
  }

  return {
    async write(row) {
      const stored: Row = {};
      for (const column of columns) {
        const value = checkedValue(row, column);
        stored[column.name] = column.type === 'int64' && value !== null ? BigInt(value as number) : value;
        bytes += sizeOf(value);
      }
      group.push(stored);
      rows++;
      if (bytes >= GROUP_BYTES || group.length >= GROUP_ROWS) await flush();
    },
    async close() {
      await flush();
      await parquet.finish();
      await rename(partial, path);
      return { path, rows };
    },
  };
}

/** Bytes of what may be large; numbers don't count. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  return (value as { bytes?: Uint8Array } | null)?.bytes?.length ?? 0;
}

const LEAVES: Record<Exclude<Column['type'], 'image'>, Partial<SchemaElement>> = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  int32: { type: 'INT32' },
  int64: { type: 'INT64' },
  float64: { type: 'DOUBLE' },
  bool: { type: 'BOOLEAN' },
  timestamp: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
  binary: { type: 'BYTE_ARRAY' },
};

function schemaOf(columns: readonly Column[]): SchemaElement[] {
  const leaf = (name: string, type: keyof typeof LEAVES) =>
    ({ name, repetition_type: 'OPTIONAL', ...LEAVES[type] }) as SchemaElement;
  const elements = columns.flatMap(({ name, type }) =>
    type === 'image'
      ? [
          { name, repetition_type: 'OPTIONAL', num_children: 2 } as SchemaElement,
          leaf('bytes', 'binary'),
          leaf('path', 'string'),
        ]
      : [leaf(name, type)],
  );
  return [{ name: 'root', num_children: columns.length } as SchemaElement, ...elements];
}

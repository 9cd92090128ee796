/**
 * Parquet with images (hyparquet-writer): rows are gathered into groups of bounded size and written out one by
 * one. The file carries its final name only when it is whole.
 */
import { rename } from 'node:fs/promises';
import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import { type Column, huggingFaceFeatures, type Row, type TableWriter } from './table.ts';

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
      const blob = type === 'image' || type === 'binary';
      const data = group.map((row) => stored(row[name] ?? null, type));
      return blob
        ? { name, data, statistics: false, codec: 'UNCOMPRESSED' as const, encoding: 'PLAIN' as const }
        : { name, data };
    });
    await parquet.write({ columnData, rowGroupSize: group.length });
    group = [];
    bytes = 0;
  }

  return {
    async write(row) {
      group.push(row);
      rows++;
      for (const { name, type } of columns) {
        const value = row[name];
        if (type === 'binary') bytes += (value as Uint8Array).length;
        if (type === 'image') bytes += (value as { bytes: Uint8Array }).bytes.length;
        if (type === 'string') bytes += (value as string | null)?.length ?? 0;
      }
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

function stored(value: unknown, type: Column['type']): unknown {
  return type === 'int64' && value !== null ? BigInt(value as number) : value;
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

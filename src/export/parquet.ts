/**
 * Parquet by hyparquet-writer: rows are gathered into groups of bounded size and written out one by one. The file
 * carries its final name only when it is whole.
 */
import { rename } from 'node:fs/promises';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { fileSink, type Sink, type Written } from './sink.ts';
import {
  type Column,
  checkedValue,
  GROUP_BYTES,
  GROUP_ROWS,
  huggingFaceFeatures,
  type Row,
  sizeOf,
  type TableWriter,
} from './table.ts';

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];

export async function parquetWriter(path: string, columns: readonly Column[]): Promise<TableWriter> {
  const partial = `${path}.partial`;
  const writer = new SinkWriter(fileSink(partial));
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
      const written = writer.close();
      await rename(partial, path);
      return { path, rows, ...written };
    },
  };
}

const CHUNK_BYTES = 1_000_000;

/** The library's growing buffer, emptied into a sink whenever it holds a chunk. */
class SinkWriter extends ByteWriter {
  readonly #sink: Sink;

  constructor(sink: Sink) {
    super(2 * CHUNK_BYTES);
    this.#sink = sink;
  }

  override ensure(size: number): void {
    if (this.index > CHUNK_BYTES) this.finish();
    super.ensure(size);
  }

  override finish(): void {
    this.#sink.write(new Uint8Array(this.buffer, 0, this.index));
    this.index = 0;
  }

  close(): Written {
    return this.#sink.close();
  }
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

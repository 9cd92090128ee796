/** Tables as Arrow IPC streams. */
import {
  Bool,
  type DataType,
  Float64,
  Int32,
  Int64,
  Table,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { type Column, type ColumnType, checkedValue, type Row } from './table.ts';

const BATCH_ROWS = 2000;
/** End of an Arrow stream: continuation mark and length 0. */
const END = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0);

/** What tables of scores are made of; images go out as Parquet. */
const TYPES: Partial<Record<ColumnType, () => DataType>> = {
  string: () => new Utf8(),
  int32: () => new Int32(),
  int64: () => new Int64(),
  float64: () => new Float64(),
  bool: () => new Bool(),
};

/**
 * Encodes rows a batch at a time. The library's own streams either hang or take the caller's buffers, so every
 * batch is encoded as a stream of its own, whose schema and end mark are then cut off.
 */
export function arrowEncoder(columns: readonly Column[]) {
  let rows: Row[] = [];
  return {
    /** What a stream begins with. */
    schema: () => encoded(columns, []).schema,
    /** A batch whenever one is full. */
    add(more: readonly Row[]): Uint8Array[] {
      rows.push(...more);
      if (rows.length < BATCH_ROWS) return [];
      const { batch } = encoded(columns, rows);
      rows = [];
      return [batch];
    },
    /** The rest, and the mark of the end. */
    end: (): Uint8Array[] => (rows.length > 0 ? [encoded(columns, rows).batch, END] : [END]),
  };
}

/** Rows as they come, several at a time, as one stream. */
export async function* arrowStream(
  columns: readonly Column[],
  rows: AsyncIterable<readonly Row[]>,
): AsyncGenerator<Uint8Array> {
  const encoder = arrowEncoder(columns);
  yield encoder.schema();
  for await (const some of rows) yield* encoder.add(some);
  yield* encoder.end();
}

function encoded(
  columns: readonly Column[],
  rows: readonly Row[],
): { schema: Uint8Array; batch: Uint8Array } {
  const vectors = columns.map((column) => {
    const values = rows.map((row) => {
      const value = checkedValue(row, column);
      return column.type === 'int64' && value !== null ? BigInt(value as number) : value;
    });
    return [column.name, vectorFromArray(values as never[], TYPES[column.type]!() as never)] as const;
  });
  const bytes = tableToIPC(new Table(Object.fromEntries(vectors) as never), 'stream');
  // The schema message: continuation mark, length, metadata; it has no body.
  const schemaBytes = 8 + new DataView(bytes.buffer, bytes.byteOffset).getInt32(4, true);
  return { schema: bytes.slice(0, schemaBytes), batch: bytes.slice(schemaBytes, -END.length) };
}

/** Scores as an Arrow IPC stream. */
import { Float64, Int32, Table, tableToIPC, Utf8, vectorFromArray } from 'apache-arrow';
import { SCORE_COLUMNS, type ScoredImage, scoreRows } from './score-rows.ts';
import type { Row } from './table.ts';

const BATCH_ROWS = 2000;
/** End of an Arrow stream: continuation mark and length 0. */
const END = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0);

/**
 * Encodes rows a batch at a time. The library's own streams either hang or take the caller's buffers, so every
 * batch is encoded as a stream of its own, whose schema and end mark are then cut off.
 */
export function arrowEncoder() {
  let rows: Row[] = [];
  return {
    /** What a stream begins with. */
    schema: () => encoded([]).schema,
    /** A batch whenever one is full. */
    add(image: ScoredImage): Uint8Array[] {
      rows.push(...scoreRows(image));
      if (rows.length < BATCH_ROWS) return [];
      const { batch } = encoded(rows);
      rows = [];
      return [batch];
    },
    /** The rest, and the mark of the end. */
    end: (): Uint8Array[] => (rows.length > 0 ? [encoded(rows).batch, END] : [END]),
  };
}

export async function* arrowScores(images: AsyncIterable<ScoredImage>): AsyncGenerator<Uint8Array> {
  const encoder = arrowEncoder();
  yield encoder.schema();
  for await (const image of images) yield* encoder.add(image);
  yield* encoder.end();
}

function encoded(rows: readonly Row[]): { schema: Uint8Array; batch: Uint8Array } {
  const columns = SCORE_COLUMNS.map(({ name, type }) => {
    const values = rows.map((row) => row[name]);
    const arrowType = type === 'string' ? new Utf8() : type === 'int32' ? new Int32() : new Float64();
    return [name, vectorFromArray(values as never[], arrowType as never)] as const;
  });
  const bytes = tableToIPC(new Table(Object.fromEntries(columns) as never), 'stream');
  // The schema message: continuation mark, length, metadata; it has no body.
  const schemaBytes = 8 + new DataView(bytes.buffer, bytes.byteOffset).getInt32(4, true);
  return { schema: bytes.slice(0, schemaBytes), batch: bytes.slice(schemaBytes, -END.length) };
}

/** Scores alone, without images: a row per candidate and metric, as Parquet and as an Arrow stream. */
import { Float64, Int32, Table, tableToIPC, Utf8, vectorFromArray } from 'apache-arrow';
import type { Column, Row } from './table.ts';

export const SCORE_COLUMNS: readonly Column[] = [
  { name: 'annotation_id', type: 'string', about: 'img_id of the LAION-SG annotation' },
  { name: 'image_index', type: 'int32', about: 'slot of the candidate' },
  { name: 'sha256', type: 'string', about: 'hash of the image file' },
  { name: 'metric', type: 'string', about: 'metric' },
  { name: 'value', type: 'float64', about: 'raw value' },
];

export interface ScoredImage {
  imgId: string;
  slot: number;
  sha256: string;
  scores: Record<string, number>;
}

export function scoreRows({ imgId, slot, sha256, scores }: ScoredImage): Row[] {
  return Object.entries(scores)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([metric, value]) => ({ annotation_id: imgId, image_index: slot, sha256, metric, value }));
}

const BATCH_ROWS = 2000;
/** End of an Arrow stream: continuation mark and length 0. */
const END = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0);

/**
 * An Arrow IPC stream of the rows, a batch at a time. The library's own streams either hang or take the caller's
 * buffers, so every batch is encoded as a stream of its own, whose schema and end mark are then cut off.
 */
export async function* arrowScores(images: AsyncIterable<ScoredImage>): AsyncGenerator<Uint8Array> {
  yield encoded([]).schema;
  let rows: Row[] = [];
  for await (const image of images) {
    rows.push(...scoreRows(image));
    if (rows.length >= BATCH_ROWS) {
      yield encoded(rows).batch;
      rows = [];
    }
  }
  if (rows.length > 0) yield encoded(rows).batch;
  yield END;
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

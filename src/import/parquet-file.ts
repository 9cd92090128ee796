/**
 * A Parquet file of anybody's, row group by row group. Nothing in it is believed: every length that it names is held
 * against the file and against limits before memory is taken for it, and what is wrong is said with the place.
 */
import { type FileHandle, open } from 'node:fs/promises';
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetScan,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { getSchemaPath } from 'hyparquet/src/schema.js';
import { asError, DiptychError } from '../errors.ts';
import type { Column } from '../export/table.ts';
import { checkColumn } from './column-types.ts';
import { COMPRESSORS } from './compressors.ts';
import { checkPageRuns } from './page-runs.ts';

/** A footer grows with columns and row groups; that of a data set of a terabyte takes a few megabytes. */
const MAX_FOOTER_BYTES = 64 * 2 ** 20;
/** Of one column in one row group, packed or not: what memory has to hold. */
const MAX_CHUNK_BYTES = 2 ** 30;
/** "PAR1". */
const MAGIC = 0x31524150;
const MAX_GROUP_ROWS = 1_000_000;

export interface ReadColumn extends Pick<Column, 'name' | 'type'> {
  /** A file without it is refused; else its values are then null. */
  required: boolean;
}

/** A row by column, with its place for messages. `fail` names the column too. */
export interface ReadRow {
  values: Record<string, unknown>;
  fail(column: string, problem: string): DiptychError;
}

/** What hyparquet throws, and what we find, as one error. */
const bad = (file: string, place: string, problem: string, cause?: unknown) =>
  new DiptychError('DIPTYCH_BAD_FILE', `${file}: ${place}: ${problem}`, { cause });

/**
 * Rows in order. `name`: of the file in messages; row groups and rows are counted from 0, rows through the file.
 * Throws DIPTYCH_BAD_FILE for what is no Parquet, is cut off, lacks a column, or has one of another type.
 */
export async function* readParquet(
  path: string,
  name: string,
  columns: readonly ReadColumn[],
): AsyncGenerator<ReadRow> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const file = bufferOf(handle, size);
    const { metadata, top } = await readFooter(file, name);
    const wanted = wantedColumns(top, name, columns);
    let start = 0;
    for (const [group, { num_rows, columns: chunks }] of metadata.row_groups.entries()) {
      const rows = Number(num_rows);
      if (!(rows >= 0 && rows <= MAX_GROUP_ROWS))
        throw bad(name, `row group ${group}`, `has ${num_rows} rows, the most allowed is ${MAX_GROUP_ROWS}`);
      const data: Record<string, ArrayLike<unknown>> = {};
      for (const column of rows > 0 ? wanted : []) {
        const place = `row group ${group}, rows ${start} to ${start + rows - 1}, column ${column}`;
        const limit = size - 8 - metadata.metadata_length;
        // Checked and then decoded from the same bytes.
        const held = readOnce(file);
        for (const { meta_data: chunk } of chunks) {
          if (chunk?.path_in_schema[0] === column)
            await checkChunk(held, metadata, chunk, rows, limit, name, place);
        }
        data[column] = await readColumn(held, metadata, column, start, rows).catch((thrown) => {
          throw bad(name, place, `can't be read: ${asError(thrown).message}`, thrown);
        });
        if (data[column].length !== rows)
          throw bad(name, place, `has ${data[column].length} values, the row group has ${rows} rows`);
      }
      // A row may fail after the next ones were read.
      const first = start;
      for (let i = 0; i < rows; i++) {
        const values = Object.fromEntries(columns.map((c) => [c.name, data[c.name]?.[i] ?? null]));
        const fail: ReadRow['fail'] = (column, problem) =>
          bad(name, `row group ${group}, row ${first + i}, column ${column}`, problem);
        const empty = columns.find((column) => column.required && values[column.name] === null);
        if (empty) throw fail(empty.name, 'is null');
        yield { values, fail };
      }
      start += rows;
    }
  } finally {
    await handle.close();
  }
}

/** With the columns at the top of the schema. */
async function readFooter(
  file: AsyncBuffer,
  name: string,
): Promise<{ metadata: FileMetaData; top: SchemaTree[] }> {
  const refuse = (problem: string, cause?: unknown) =>
    bad(name, 'footer', `${problem}; the file is cut off, damaged or no Parquet`, cause);
  if (file.byteLength < 12) throw refuse(`the file has ${file.byteLength} bytes`);
  const end = new DataView(await file.slice(file.byteLength - 8));
  if (end.getUint32(4, true) !== MAGIC) throw refuse('does not end with PAR1');
  const length = end.getUint32(0, true);
  if (length > MAX_FOOTER_BYTES)
    throw refuse(`claims ${length} bytes, the most allowed is ${MAX_FOOTER_BYTES}`);
  try {
    const metadata = await parquetMetadataAsync(file, { geoparquet: false });
    if (metadata.row_groups.every(({ columns }) => columns.every(({ meta_data }) => meta_data)))
      return { metadata, top: parquetSchema(metadata).children };
  } catch (thrown) {
    throw refuse(asError(thrown).message, thrown);
  }
  throw refuse('a column has no description');
}

/** Names of the columns that are there, whose types are right. */
function wantedColumns(there: readonly SchemaTree[], name: string, columns: readonly ReadColumn[]): string[] {
  return columns.flatMap((column) => {
    const found = there.find(({ element }) => element.name === column.name);
    if (!found) {
      if (!column.required) return [];
      const names = there.map(({ element }) => element.name);
      throw bad(name, `column ${column.name}`, `is missing; there are ${names.join(', ')}`);
    }
    const problem = checkColumn(column.type, found);
    if (problem) throw bad(name, `column ${column.name}`, problem);
    return [column.name];
  });
}

type ChunkMetaData = NonNullable<FileMetaData['row_groups'][number]['columns'][number]['meta_data']>;

/** Its pages lie within the file, and hold no more values and bytes than the row group can have. */
async function checkChunk(
  file: AsyncBuffer,
  { schema }: FileMetaData,
  chunk: ChunkMetaData,
  rows: number,
  limit: number,
  name: string,
  place: string,
): Promise<void> {
  const start = Number(chunk.dictionary_page_offset || chunk.data_page_offset);
  const length = Number(chunk.total_compressed_size);
  if (!(start >= 4 && length >= 0 && start + length <= limit))
    throw bad(name, place, `lies at byte ${start} with ${length} bytes, outside of the file`);
  const tooLong = (bytes: number) =>
    bad(
      name,
      place,
      `takes ${bytes} bytes, the most allowed is ${MAX_CHUNK_BYTES}; write smaller row groups`,
    );
  if (length > MAX_CHUNK_BYTES) throw tooLong(length);
  const view = new DataView(await file.slice(start, start + length));
  const path = getSchemaPath(schema, chunk.path_in_schema);
  const reader = { view, offset: 0 };
  let [values, unpacked] = [0, 0];
  while (reader.offset < view.byteLength - 1) {
    let header: ReturnType<typeof parquetHeader>;
    try {
      header = parquetHeader(reader);
    } catch (thrown) {
      throw bad(name, place, `a page can't be read: ${asError(thrown).message}`, thrown);
    }
    const page = header.data_page_header ?? header.data_page_header_v2 ?? header.dictionary_page_header;
    const { compressed_page_size: packed, uncompressed_page_size: bytes } = header;
    unpacked += bytes;
    values += header.dictionary_page_header ? 0 : (page?.num_values ?? 0);
    const most = header.dictionary_page_header ? MAX_GROUP_ROWS : rows;
    const fits = packed >= 0 && bytes >= 0 && reader.offset + packed <= view.byteLength;
    if (!page || !fits || !(page.num_values >= 0 && page.num_values <= most))
      throw bad(name, place, `a page claims ${page?.num_values} values in ${packed} bytes, which can't be`);
    if (unpacked > MAX_CHUNK_BYTES) throw tooLong(unpacked);
    const content = new Uint8Array(view.buffer, view.byteOffset + reader.offset, packed);
    try {
      checkPageRuns(content, header, chunk.codec, path, chunk.type === 'BOOLEAN');
    } catch (thrown) {
      throw bad(name, place, `a page can't be read: ${asError(thrown).message}`, thrown);
    }
    reader.offset += packed;
  }
  if (values !== rows) throw bad(name, place, `holds ${values} values, the row group has ${rows} rows`);
}

async function readColumn(
  file: AsyncBuffer,
  metadata: FileMetaData,
  column: string,
  rowStart: number,
  rows: number,
): Promise<ArrayLike<unknown>> {
  const options = { file, metadata, columns: [column], utf8: false, geoparquet: false };
  const scan = await parquetScan({ ...options, compressors: COMPRESSORS, useOffsetIndex: false });
  return scan.readColumn({ column, rowStart, rowEnd: rowStart + rows });
}

/** Keeps what was read, by its place. */
function readOnce(file: AsyncBuffer): AsyncBuffer {
  const kept = new Map<string, ReturnType<AsyncBuffer['slice']>>();
  return {
    byteLength: file.byteLength,
    slice(start, end) {
      const place = `${start}-${end}`;
      const bytes = kept.get(place) ?? file.slice(start, end);
      kept.set(place, bytes);
      return bytes;
    },
  };
}

function bufferOf(handle: FileHandle, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const bytes = new Uint8Array(end - start);
      let read = 0;
      while (read < bytes.length) {
        const { bytesRead } = await handle.read(bytes, read, bytes.length - read, start + read);
        if (bytesRead === 0) throw new Error(`the file ends at byte ${start + read}`);
        read += bytesRead;
      }
      return bytes.buffer;
    },
  };
}

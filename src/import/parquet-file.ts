/**
 * A Parquet file of anybody's, page by page. Nothing in it is believed: every length that it names is held
 * against the file and against limits before memory is taken for it, and what is wrong is said with the place.
 */
import { type FileHandle, open } from 'node:fs/promises';
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet';
import { asError, DiptychError } from '../errors.ts';
import type { Column } from '../export/table.ts';
import { columnPages } from './column-pages.ts';
import { checkColumn } from './column-types.ts';

/** A footer grows with columns and row groups; that of a data set of a terabyte takes a few megabytes. */
const MAX_FOOTER_BYTES = 64 * 2 ** 20;
/** "PAR1". */
const MAGIC = 0x31524150;
const MAX_GROUP_ROWS = 1_000_000;

export interface ReadColumn extends Pick<Column, 'name' | 'type'> {
  /** A file without it is refused; else its values are then null. */
  required: boolean;
}

/** A row by column, an image as its bytes, with its place for messages. `fail` names the column too. */
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
    const end = size - 8 - metadata.metadata_length;
    let start = 0;
    for (const [group, { num_rows, columns: chunks }] of metadata.row_groups.entries()) {
      const rows = Number(num_rows);
      if (!(rows >= 0 && rows <= MAX_GROUP_ROWS))
        throw bad(name, `row group ${group}`, `has ${num_rows} rows, the most allowed is ${MAX_GROUP_ROWS}`);
      const next: Record<string, () => Promise<unknown>> = {};
      const read = rows > 0 ? wanted : [];
      for (const { name: column, path } of read) {
        const place = `row group ${group}, rows ${start} to ${start + rows - 1}, column ${column}`;
        const refuse = (thrown: unknown) => bad(name, place, asError(thrown).message, thrown);
        const chunk = chunks.find(({ meta_data }) => meta_data!.path_in_schema.join() === path.join());
        if (!chunk) throw bad(name, place, 'has no pages');
        next[column] = oneByOne(columnPages(file, metadata, chunk.meta_data!, rows, end), refuse);
      }
      // A row may fail after the next ones were read.
      const first = start;
      for (let i = 0; i < rows; i++) {
        const values: Record<string, unknown> = {};
        for (const column of columns) values[column.name] = (await next[column.name]?.()) ?? null;
        const fail: ReadRow['fail'] = (column, problem) =>
          bad(name, `row group ${group}, row ${first + i}, column ${column}`, problem);
        const empty = columns.find((column) => column.required && values[column.name] === null);
        if (empty) throw fail(empty.name, 'is null');
        yield { values, fail };
      }
      // Their pages have ended too.
      for (const { name: column } of read) await next[column]!();
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

/** The columns that are there, whose types are right, with the place of their pages. */
function wantedColumns(
  there: readonly SchemaTree[],
  name: string,
  columns: readonly ReadColumn[],
): { name: string; path: string[] }[] {
  return columns.flatMap((column) => {
    const found = there.find(({ element }) => element.name === column.name);
    if (!found) {
      if (!column.required) return [];
      const names = there.map(({ element }) => element.name);
      throw bad(name, `column ${column.name}`, `is missing; there are ${names.join(', ')}`);
    }
    const problem = checkColumn(column.type, found);
    if (problem) throw bad(name, `column ${column.name}`, problem);
    return [{ name: column.name, path: column.type === 'image' ? [column.name, 'bytes'] : [column.name] }];
  });
}

/** The values of the pages, undefined after the last. */
function oneByOne(
  pages: AsyncGenerator<ArrayLike<unknown>>,
  refuse: (thrown: unknown) => DiptychError,
): () => Promise<unknown> {
  let page: ArrayLike<unknown> = [];
  let at = 0;
  return async () => {
    if (at === page.length) {
      const { value } = await pages.next().catch((thrown) => {
        throw refuse(thrown);
      });
      if (value === undefined) return undefined;
      page = value;
      at = 0;
    }
    return page[at++];
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

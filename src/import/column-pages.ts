/**
 * The values of one column in one row group, page by page: memory holds one page and the dictionary. Pages are held
 * against the file, the row group and limits before they are read.
 */
import type { AsyncBuffer, FileMetaData, PageHeader } from 'hyparquet';
import { parquetHeader, readPage } from 'hyparquet/src/column.js';
import { convert, DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { getSchemaPath } from 'hyparquet/src/schema.js';
import { asError } from '../errors.ts';
import { COMPRESSORS } from './compressors.ts';
import { checkPageRuns } from './page-runs.ts';

type ColumnDecoder = Parameters<typeof readPage>[2];
export type Chunk = NonNullable<FileMetaData['row_groups'][number]['columns'][number]['meta_data']>;

/** Packed or not; an image must fit in. */
const MAX_PAGE_BYTES = 2 ** 28;
/** Of its entries; those of writers have less than a megabyte. */
const MAX_DICTIONARY = 1_000_000;
/** What is read of a page for its header, which has two values of the column in it, and the most for long ones. */
const [HEADER_BYTES, MAX_HEADER_BYTES] = [2 ** 12, 2 ** 24];

/**
 * `end`: of the file's pages. Throws Errors that say what can't be. Values are the leaf's own, null where there is none;
 * what stands in groups is taken out of them.
 */
export async function* columnPages(
  file: AsyncBuffer,
  { schema }: FileMetaData,
  chunk: Chunk,
  rows: number,
  end: number,
): AsyncGenerator<ArrayLike<unknown>> {
  const start = Number(chunk.dictionary_page_offset || chunk.data_page_offset);
  const length = Number(chunk.total_compressed_size);
  if (!(start >= 4 && length >= 0 && start + length <= end))
    throw new Error(`lies at byte ${start} with ${length} bytes, outside of the file`);
  const schemaPath = getSchemaPath(schema, chunk.path_in_schema);
  const { element } = schemaPath.at(-1)!;
  const decoder: ColumnDecoder = {
    ...chunk,
    ...{ pathInSchema: chunk.path_in_schema, element, schemaPath, utf8: false },
    ...{ parsers: DEFAULT_PARSERS, compressors: COMPRESSORS },
  };
  let dictionary: ArrayLike<unknown> | undefined;
  let values = 0;
  for (let at = start; at < start + length - 1; ) {
    const { header, bytes: headed } = await headerAt(file, at, start + length);
    const { data_page_header: v1, data_page_header_v2: v2, dictionary_page_header: entries } = header;
    const { num_values: held } = v1 ?? v2 ?? entries ?? { num_values: -1 };
    const packed = header.compressed_page_size;
    at += headed;
    const most = entries ? MAX_DICTIONARY : rows - values;
    if (!(packed >= 0 && at + packed <= start + length && held >= 0 && held <= most))
      throw new Error(`a page claims ${held} values in ${packed} bytes, which can't be`);
    for (const size of [packed, header.uncompressed_page_size]) {
      if (!(size <= MAX_PAGE_BYTES))
        throw new Error(`a page takes ${size} bytes, the most allowed is ${MAX_PAGE_BYTES}`);
    }
    const page = await decoded(await file.slice(at, at + packed), header, decoder, dictionary);
    at += packed;
    if (entries) dictionary = page;
    else if (held > 0) {
      if (page.length !== held) throw new Error(`a page has ${page.length} values, it claims ${held}`);
      values += held;
      yield page;
    }
  }
  if (values !== rows) throw new Error(`holds ${values} values, the row group has ${rows} rows`);
}

async function headerAt(
  file: AsyncBuffer,
  at: number,
  end: number,
): Promise<{ header: PageHeader; bytes: number }> {
  for (let bytes = HEADER_BYTES; ; bytes *= 16) {
    const reader = { view: new DataView(await file.slice(at, Math.min(end, at + bytes))), offset: 0 };
    try {
      return { header: parquetHeader(reader), bytes: reader.offset };
    } catch (thrown) {
      if (at + bytes >= end || bytes >= MAX_HEADER_BYTES) throw unreadable(thrown);
    }
  }
}

function decoded(
  page: ArrayBuffer,
  header: PageHeader,
  decoder: ColumnDecoder,
  dictionary: ArrayLike<unknown> | undefined,
): ArrayLike<unknown> {
  try {
    const { codec, schemaPath, type } = decoder;
    checkPageRuns(new Uint8Array(page), header, codec, schemaPath, type === 'BOOLEAN');
    const reader = { view: new DataView(page), offset: 0 };
    const { data = [] } = readPage(reader, header, decoder, dictionary as never, undefined, 0);
    if (header.dictionary_page_header) return convert(data, decoder);
    // hyparquet makes a list of every group that may be null.
    return schemaPath.length === 2 ? data : Array.from(data, (value) => [value].flat()[0] ?? null);
  } catch (thrown) {
    throw unreadable(thrown);
  }
}

const unreadable = (thrown: unknown) =>
  new Error(`a page can't be read: ${asError(thrown).message}`, { cause: thrown });

/**
 * Levels and dictionary indices of a Parquet page are runs, each with its length before it. hyparquet believes those
 * lengths: one that is too long, or wraps around, keeps it busy for ever. So every run is held against the page first.
 * The layout: https://parquet.apache.org/docs/file-format/data-pages/encodings/ (RLE / bit-packing hybrid).
 */
import type { CompressionCodec, PageHeader, SchemaTree } from 'hyparquet';
import { decompressPage } from 'hyparquet/src/datapage.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel } from 'hyparquet/src/schema.js';
import { readVarInt } from 'hyparquet/src/thrift.js';
import { COMPRESSORS } from './compressors.ts';

/** Where a page's column stands in the schema. */
export type SchemaPath = SchemaTree[];

const DICTIONARY: readonly string[] = ['PLAIN_DICTIONARY', 'RLE_DICTIONARY'];

/** Throws an Error where a page has runs that can't be. `bytes`: the page as it lies in the file, without its header. */
export function checkPageRuns(
  bytes: Uint8Array,
  header: PageHeader,
  codec: CompressionCodec,
  path: SchemaPath,
  isBoolean: boolean,
): void {
  const widths = [getMaxRepetitionLevel(path), getMaxDefinitionLevel(path)].map(
    (max) => 32 - Math.clz32(max),
  );
  const { data_page_header: v1, data_page_header_v2: v2, uncompressed_page_size: size } = header;
  if (v1) {
    const page = decompressPage(bytes, size, codec, COMPRESSORS);
    const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
    let at = 0;
    for (const width of widths.filter((width) => width > 0)) {
      const end = at + 4 + view.getUint32(at, true);
      checkLevels(view, at + 4, end, width, v1.num_values);
      at = end;
    }
    checkValues(view, at, v1.encoding, v1.num_values, isBoolean);
  } else if (v2) {
    const levels = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const lengths = [v2.repetition_levels_byte_length, v2.definition_levels_byte_length ?? 0];
    let at = 0;
    for (const [i, length] of lengths.entries()) {
      if (!(length >= 0)) throw new Error(`levels of ${length} bytes`);
      if (widths[i]! > 0) checkLevels(levels, at, at + length, widths[i]!, v2.num_values);
      at += length;
    }
    const packed = bytes.subarray(at);
    const page = v2.is_compressed === false ? packed : decompressPage(packed, size - at, codec, COMPRESSORS);
    const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
    checkValues(view, 0, v2.encoding, v2.num_values, isBoolean);
  }
}

/** As many as the page has values, or hyparquet reads on into what follows. */
function checkLevels(view: DataView, from: number, to: number, width: number, values: number): void {
  const held = checkRuns(view, from, to, width, values);
  if (held < values) throw new Error(`${held} levels for ${values} values`);
}

function checkValues(
  view: DataView,
  from: number,
  encoding: string,
  values: number,
  isBoolean: boolean,
): void {
  // Their length stands before them, the width of indices too.
  if (isBoolean && encoding === 'RLE') checkRuns(view, from + 4, view.byteLength, 1, values);
  else if (DICTIONARY.includes(encoding) && view.byteLength > from)
    checkRuns(view, from + 1, view.byteLength, view.getUint8(from), values);
}

/** Values that the runs hold; the last of packed ones may be filling. */
function checkRuns(view: DataView, from: number, to: number, width: number, most: number): number {
  if (width > 32) throw new Error(`values of ${width} bits`);
  const reader = { view, offset: from };
  let held = 0;
  while (reader.offset < to && held < most) {
    const head = readVarInt(reader) >>> 0;
    const count = head & 1 ? (head >>> 1) * 8 : head >>> 1;
    if (count > most - held + 7) throw new Error(`a run of ${count} where ${most - held} values are left`);
    reader.offset += head & 1 ? (head >>> 1) * width : Math.ceil(width / 8);
    if (reader.offset > to) throw new Error('a run that is cut off');
    held += count;
  }
  return held;
}

/**
 * A body of annotations as a stream of records: NDJSON or one JSON array, gzip or not, told apart by the
 * first bytes. Memory is bounded by the longest single record, whatever the length of the body.
 */

import type { Annotation } from './annotation.ts';
import type { Problem } from './checks.ts';
import { unpacked } from './unpacked.ts';
import { validateAnnotation } from './validate.ts';

/** `line`: where the record starts in the (unpacked) body, from 1; `bytes`: how long it is. */
export type AnnotationRecord =
  | { line: number; bytes: number; annotation: Annotation; problem?: undefined }
  | { line: number; bytes?: undefined; problem: Problem };

/** Longest record in bytes; a longer one is skipped and reported. */
export const MAX_RECORD_BYTES = 1024 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Every record of the body, valid or with its problem. Never throws for bad content. */
export async function* readAnnotations(body: AsyncIterable<Uint8Array>): AsyncGenerator<AnnotationRecord> {
  for await (const { line, bytes, problem } of splitRecords(unpacked(body))) {
    if (problem) {
      yield { line, problem: { field: '', reason: problem } };
      continue;
    }
    let value: unknown;
    try {
      value = JSON.parse(utf8.decode(bytes));
    } catch (thrown) {
      yield { line, problem: { field: '', reason: `is not JSON: ${(thrown as Error).message}` } };
      continue;
    }
    const checked = validateAnnotation(value);
    yield checked.problem ? { line, ...checked } : { line, bytes: bytes.length, ...checked };
  }
}

interface RawRecord {
  line: number;
  /** Good until the next record is asked for. */
  bytes: Uint8Array;
  problem?: string;
}

const [NEWLINE, QUOTE, BACKSLASH, COMMA] = [0x0a, 0x22, 0x5c, 0x2c];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const isSpace = (byte: number) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

/** Cuts the text into the bytes of its records, without parsing them. */
async function* splitRecords(chunks: AsyncIterable<Uint8Array | Error>): AsyncGenerator<RawRecord> {
  const collector = createCollector();
  const nesting = createNesting();
  let form: 'unknown' | 'lines' | 'array' | 'after' = 'unknown';
  let line = 1;
  const bare = (problem: string, at = line): RawRecord => ({ line: at, bytes: new Uint8Array(), problem });

  for await (const chunk of chunks) {
    if (chunk instanceof Error) {
      // What stands before the damage is a piece of a record.
      yield bare(chunk.message);
      return;
    }
    let at = 0;
    while (at < chunk.length) {
      const byte: number = chunk[at]!;
      if (collector.empty()) {
        // White space between records and a byte order mark before the first say nothing.
        if (isSpace(byte) || (form === 'unknown' && BYTE_ORDER_MARK.includes(byte))) {
          if (byte === NEWLINE) line++;
          at++;
          continue;
        }
        if (form === 'after') {
          yield bare('text after the end of the JSON array is ignored');
          return;
        }
        if (form === 'unknown') {
          form = byte === OPEN_ARRAY ? 'array' : 'lines';
          if (form === 'array') {
            at++;
            continue;
          }
        }
      }
      const end = form === 'array' ? nesting.endOfRecord(chunk, at) : endOfLine(chunk, at);
      collector.add(chunk.subarray(at, end), line);
      if (form === 'array') line += nesting.newlines();
      if (end === chunk.length) break;
      yield* collector.take();
      if (form === 'array' && chunk[end] === CLOSE_ARRAY) form = 'after';
      if (chunk[end] === NEWLINE) line++;
      at = end + 1;
    }
  }
  if (form === 'array') {
    const problem = 'the JSON array is not closed: a bracket or quotation mark is missing from here on';
    yield bare(problem, collector.line() ?? line);
  } else yield* collector.take();
}

/** Index of the line's end in the chunk, or the chunk's length when it ends in a later one. */
function endOfLine(chunk: Uint8Array, from: number): number {
  const at = chunk.indexOf(NEWLINE, from);
  return at < 0 ? chunk.length : at;
}

/** Follows strings and brackets of a JSON array over its chunks. */
function createNesting() {
  let [depth, inString, escaped, lines] = [0, false, false, 0];
  return {
    /** Index of the comma or bracket after the record, or the chunk's length when it ends in a later one. */
    endOfRecord(chunk: Uint8Array, from: number): number {
      // The scan works on locals: it sees every byte of a body.
      let [level, quoted, skip, count, at] = [depth, inString, escaped, 0, from];
      for (; at < chunk.length; at++) {
        const byte = chunk[at]!;
        if (byte === NEWLINE) count++;
        if (quoted) {
          if (skip) skip = false;
          else if (byte === BACKSLASH) skip = true;
          else if (byte === QUOTE) quoted = false;
        } else if (byte === QUOTE) quoted = true;
        else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) level++;
        else if (level === 0 && (byte === COMMA || byte === CLOSE_ARRAY)) break;
        // A bracket too many belongs to a broken record and must not swallow the next one.
        else if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && level > 0) level--;
      }
      [depth, inString, escaped, lines] = [level, quoted, skip, count];
      return at;
    },
    /** Line ends that the last call passed. */
    newlines: () => lines,
  };
}

/** Joins a record's pieces; beyond MAX_RECORD_BYTES it keeps none. */
function createCollector() {
  let buffer = new Uint8Array(16 * 1024);
  let [length, startLine, tooLong] = [0, 0, false];
  return {
    empty: () => length === 0,
    line: () => (length > 0 ? startLine : undefined),
    add(piece: Uint8Array, line: number) {
      if (length === 0) startLine = line;
      if (tooLong || length + piece.length > MAX_RECORD_BYTES) {
        tooLong = true;
        length = Math.max(length, 1);
        return;
      }
      if (length + piece.length > buffer.length) {
        const larger = new Uint8Array(Math.max(2 * buffer.length, length + piece.length));
        larger.set(buffer.subarray(0, length));
        buffer = larger;
      }
      buffer.set(piece, length);
      length += piece.length;
    },
    *take(): Generator<RawRecord> {
      if (tooLong) {
        const problem = `is longer than ${MAX_RECORD_BYTES} bytes`;
        yield { line: startLine, bytes: new Uint8Array(), problem };
      } else if (length > 0) yield { line: startLine, bytes: buffer.subarray(0, length) };
      [length, tooLong] = [0, false];
    },
  };
}

/**
 * A body of annotations as a stream of records: NDJSON or one JSON array, gzip or not, told apart by the
 * first bytes. Memory is bounded by the longest single record, whatever the length of the body.
 */

import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Annotation } from './annotation.ts';
import { type Problem, validateAnnotation } from './validate.ts';

/** `line`: where the record starts in the (unpacked) body, from 1. */
export type AnnotationRecord =
  | { line: number; annotation: Annotation; problem?: undefined }
  | { line: number; problem: Problem };

/** Longest record in bytes; a longer one is skipped and reported. */
export const MAX_RECORD_BYTES = 1024 * 1024;

/** Every record of the body, valid or with its problem. Never throws for bad content. */
export async function* readAnnotations(body: AsyncIterable<Uint8Array>): AsyncGenerator<AnnotationRecord> {
  for await (const { line, bytes, problem } of splitRecords(unpacked(body))) {
    if (problem) {
      yield { line, problem: { field: '', reason: problem } };
      continue;
    }
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch (thrown) {
      yield { line, problem: { field: '', reason: `is not JSON: ${(thrown as Error).message}` } };
      continue;
    }
    yield { line, ...validateAnnotation(value) };
  }
}

/** Chunks of text bytes; a gzip body that breaks ends with an Error as its last value. */
async function* unpacked(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array | Error> {
  const source = body[Symbol.asyncIterator]();
  // Two bytes decide; a first chunk of one byte is joined with the next.
  let head = new Uint8Array(0);
  while (head.length < 2) {
    const { value, done } = await source.next();
    if (done) break;
    head = Uint8Array.from([...head, ...value]);
  }
  const whole = Readable.from(rejoin(head, source), { objectMode: false });
  const packed = head[0] === 0x1f && head[1] === 0x8b;
  const stream = packed ? whole.pipe(createGunzip()) : whole;
  if (packed) whole.on('error', (error) => stream.destroy(error));
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (thrown) {
    if (!packed) throw thrown;
    yield new Error(`the gzip stream is damaged or ends early (${(thrown as Error).message})`);
  }
}

async function* rejoin(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

interface RawRecord {
  line: number;
  bytes: Uint8Array;
  problem?: string;
}

const [NEWLINE, QUOTE, BACKSLASH, COMMA] = [0x0a, 0x22, 0x5c, 0x2c];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const isSpace = (byte: number) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

/** Cuts the text into the bytes of its records, without parsing them. */
async function* splitRecords(chunks: AsyncIterable<Uint8Array | Error>): AsyncGenerator<RawRecord> {
  const collector = createCollector();
  let form: 'unknown' | 'lines' | 'array' | 'after' = 'unknown';
  let [depth, inString, escaped, line] = [0, false, false, 1];
  let broken: string | undefined;

  for await (const chunk of chunks) {
    if (chunk instanceof Error) {
      broken = chunk.message;
      break;
    }
    for (const byte of chunk) {
      if (form === 'unknown') {
        // White space and a byte order mark before the first record say nothing.
        if (isSpace(byte) || byte === 0xef || byte === 0xbb || byte === 0xbf) {
          if (byte === NEWLINE) line++;
          continue;
        }
        form = byte === OPEN_ARRAY ? 'array' : 'lines';
        if (form === 'array') continue;
      }
      if (form === 'lines') {
        if (byte === NEWLINE) {
          yield* collector.take();
          line++;
        } else if (!collector.empty() || !isSpace(byte)) collector.add(byte, line);
        continue;
      }
      if (byte === NEWLINE) line++;
      if (form === 'after') {
        if (!isSpace(byte)) {
          yield { line, bytes: new Uint8Array(), problem: 'text after the end of the JSON array is ignored' };
          return;
        }
        continue;
      }
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) inString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
      else if (depth === 0 && (byte === COMMA || byte === CLOSE_ARRAY)) {
        yield* collector.take();
        if (byte === CLOSE_ARRAY) form = 'after';
        continue;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth--;
      if (!collector.empty() || !isSpace(byte)) collector.add(byte, line);
    }
  }
  if (broken !== undefined) {
    // What stands before the damage is a piece of a record.
    yield { line, bytes: new Uint8Array(), problem: broken };
  } else if (form === 'array') {
    const problem = 'the JSON array is not closed: a bracket or quotation mark is missing from here on';
    yield { line: collector.line() ?? line, bytes: new Uint8Array(), problem };
  } else yield* collector.take();
}

function createCollector() {
  let buffer = new Uint8Array(16 * 1024);
  let [length, startLine, tooLong] = [0, 0, false];
  return {
    empty: () => length === 0,
    line: () => (length > 0 ? startLine : undefined),
    add(byte: number, line: number) {
      if (length === 0) startLine = line;
      if (length >= MAX_RECORD_BYTES) {
        tooLong = true;
        return;
      }
      if (length === buffer.length) {
        const larger = new Uint8Array(2 * length);
        larger.set(buffer);
        buffer = larger;
      }
      buffer[length++] = byte;
    },
    *take(): Generator<RawRecord> {
      if (length > 0) {
        const problem = tooLong ? `is longer than ${MAX_RECORD_BYTES} bytes` : undefined;
        yield { line: startLine, bytes: buffer.slice(0, length), ...(problem ? { problem } : {}) };
      }
      [length, tooLong] = [0, false];
    },
  };
}

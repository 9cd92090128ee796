/** The body of any length: what is held at once must not grow with it. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createGzip, gzipSync } from 'node:zlib';
import { readAnnotations } from '../../src/annotations/records.ts';
import { record } from './bodies.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const MEBIBYTE = 2 ** 20;
const BODY_BYTES = 24 * MEBIBYTE;
/** A few chunks, zlib's window and the longest record; a body that is kept would show as 24 MiB. */
const ALLOWED_GROWTH = 8 * MEBIBYTE;

const texts = Array.from({ length: 100 }, (_, i) => record(String(i), { caption_ori: 'x'.repeat(500) }));

/** `part` again and again until BODY_BYTES are sent, a fresh copy each time; calls `look` now and then. */
async function* repeated(part: string, [before, between, after]: string[], look: () => void) {
  yield Buffer.from(before!);
  for (let sent = 0, next = 0; sent < BODY_BYTES; sent += part.length) {
    yield Buffer.from(sent > 0 ? between! + part : part);
    if (sent < next) continue;
    look();
    next += 2 * MEBIBYTE;
  }
  yield Buffer.from(after!);
}

/** Memory in use after a collection, at its most, above that at the first look. */
function watchMemory() {
  const seen: number[] = [];
  return {
    look() {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      seen.push(heapUsed + arrayBuffers);
    },
    check() {
      assert.ok(seen.length > 10, 'memory was looked at too seldom');
      const growth = Math.max(...seen) - seen[0]!;
      assert.ok(growth < ALLOWED_GROWTH, `memory grew by ${(growth / MEBIBYTE).toFixed(1)} MiB`);
    },
  };
}

async function count(body: AsyncIterable<Uint8Array>) {
  const counts = { good: 0, bad: 0 };
  for await (const { problem } of readAnnotations(body)) counts[problem ? 'bad' : 'good']++;
  return counts;
}

for (const [name, joint, ends, packed] of [
  ['lines', '\n', ['', '\n', '\n'], false],
  ['an array', ',\n', ['[', ',', ']'], false],
  ['gzip lines', '\n', ['', '\n', '\n'], true],
] as const) {
  test(`${name}: ${BODY_BYTES / MEBIBYTE} MiB of records are read in flat memory`, async () => {
    const memory = watchMemory();
    const part = texts.join(joint);
    const body = repeated(part, [...ends], memory.look);
    const sent = packed ? Readable.from(body, { objectMode: false }).pipe(createGzip({ level: 1 })) : body;
    const blocks = Math.ceil(BODY_BYTES / part.length);
    assert.deepEqual(await count(sent), { good: blocks * texts.length, bad: 0 });
    memory.check();
  });
}

test('one record without end is never held whole', async () => {
  for (const ends of [
    ['{"img_id":"', '', `"}\n${texts[0]}\n`],
    ['[{"img_id":"', '', `"},${texts[0]}]`],
  ]) {
    const memory = watchMemory();
    const body = repeated('x'.repeat(MEBIBYTE / 4), ends, memory.look);
    assert.deepEqual(await count(body), { good: 1, bad: 1 });
    memory.check();
  }
});

test('a small gzip body that unpacks to a very long one is read in flat memory', async () => {
  const memory = watchMemory();
  const bomb = gzipSync(Buffer.concat([Buffer.alloc(BODY_BYTES, ' '), Buffer.from(texts[0]!)]));
  assert.ok(bomb.length < BODY_BYTES / 500);
  async function* source() {
    for (let at = 0; at < bomb.length; at += 1024) {
      memory.look();
      yield bomb.subarray(at, at + 1024);
    }
    memory.look();
  }
  assert.deepEqual(await count(source()), { good: 1, bad: 0 });
  memory.check();
});

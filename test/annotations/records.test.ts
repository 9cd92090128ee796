import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readAnnotations } from '../../src/annotations/records.ts';
import { chunked, pieces, read, record } from './bodies.ts';

const [one, two, three] = [record('1'), record('2', { note: 'é\n]},{' }), record('3')] as const;

const pretty = `\ufeff${JSON.stringify(
  [one, two, three].map((text) => JSON.parse(text)),
  null,
  1,
)}`;

const BODIES: Record<string, { body: string; lines: number[] }> = {
  lines: { body: `${one}\n${two}\n${three}\n`, lines: [1, 2, 3] },
  'lines without a last newline': { body: `${one}\n${two}\n${three}`, lines: [1, 2, 3] },
  'lines of Windows with blank ones': {
    body: `\r\n${one}\r\n\r\n  ${two}\r\n${three}\r\n`,
    lines: [2, 4, 5],
  },
  'lines after a byte order mark': { body: `\ufeff${one}\n${two}\n${three}`, lines: [1, 2, 3] },
  array: { body: `[${one},${two},${three}]`, lines: [1, 1, 1] },
  'array over lines': { body: `\n[\n  ${one},\n\n  ${two}\n,${three}\n]\n\n`, lines: [3, 5, 6] },
  'pretty array': {
    body: pretty,
    lines: pretty.split('\n').flatMap((text, i) => (text === ' {' ? [i + 1] : [])),
  },
};

/** What is read but for the lengths, which with blanks around them are at least those of the records. */
async function readLongEnough(body: AsyncIterable<Uint8Array>) {
  const records = await Array.fromAsync(readAnnotations(body));
  return records.map(({ bytes, ...entry }) => {
    assert.ok(!entry.problem && bytes! >= JSON.stringify(entry.annotation).length, `${bytes} bytes`);
    return entry;
  });
}

for (const [name, { body, lines }] of Object.entries(BODIES)) {
  test(`${name}: the same records wherever the body is cut, gzip or not`, async () => {
    const want = [one, two, three].map((text, i) => ({ line: lines[i], annotation: JSON.parse(text) }));
    const plain = Buffer.from(body);
    for (let at = 0; at <= plain.length; at++) {
      const cut = pieces(plain.subarray(0, at), plain.subarray(at));
      assert.deepEqual(await readLongEnough(cut), want, `cut at ${at}`);
    }
    const packed = gzipSync(plain);
    for (const [bytes, size] of [
      [plain, 1],
      [plain, 7],
      [packed, 1],
      [packed, 10],
      [packed, packed.length],
    ] as const) {
      assert.deepEqual(await readLongEnough(chunked(bytes, size)), want, `chunks of ${size}`);
    }
  });
}

test('a gzip body of several members is one body, wherever it is cut', async () => {
  const members = Buffer.concat([
    gzipSync(`${one}\n${two.slice(0, 20)}`),
    gzipSync(''),
    gzipSync(`${two.slice(20)}\n${three}`),
  ]);
  for (let at = 0; at <= members.length; at++) {
    const cut = pieces(members.subarray(0, at), members.subarray(at));
    assert.deepEqual(await read(cut), ['1 1', '2 2', '3 3'], `cut at ${at}`);
  }
  assert.deepEqual(await read(chunked(members, 1)), ['1 1', '2 2', '3 3']);
});

test('a body of nothing has no records', async () => {
  for (const body of ['', '\n \n', '[]', ' [ ]\n', '\ufeff']) {
    assert.deepEqual(await read(chunked(body, 1)), [], JSON.stringify(body));
    assert.deepEqual(await read(chunked(gzipSync(body), 3)), [], `gzip ${JSON.stringify(body)}`);
  }
});

test('a reader that stops early ends the body', async () => {
  for (const body of [Buffer.from(`${one}\n`.repeat(3)), gzipSync(`${one}\n`.repeat(3))]) {
    let ended = false;
    async function* source() {
      try {
        for (;;) yield body;
      } finally {
        ended = true;
      }
    }
    for await (const { line } of readAnnotations(source())) if (line === 2) break;
    await new Promise(setImmediate);
    assert.ok(ended);
  }
});

test('an error of the source is passed on, after the records before it', async () => {
  for (const body of [Buffer.from(`${one}\n`), gzipSync(`${one}\n${two}\n`).subarray(0, -8)]) {
    async function* source() {
      yield body;
      throw new Error('connection lost');
    }
    const seen: number[] = [];
    await assert.rejects(async () => {
      for await (const { line } of readAnnotations(source())) seen.push(line);
    }, /connection lost/);
    assert.equal(seen[0], 1);
  }
});

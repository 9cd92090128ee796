import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { MAX_RECORD_BYTES, readAnnotations } from '../../src/annotations/records.ts';
import { chunked, pieces, read, record, told } from './bodies.ts';

const [one, two, three] = [record('1'), record('2'), record('3')] as const;
const text = (body: string) => read(chunked(body, 5));
const matches = (got: readonly string[], want: readonly (string | RegExp)[]) => {
  assert.equal(got.length, want.length, got.join('\n'));
  for (const [i, expected] of want.entries()) {
    if (typeof expected === 'string') assert.equal(got[i], expected);
    else assert.match(got[i]!, expected);
  }
};

test('bad records are reported by line, field and reason, and the good ones around them stay', async () => {
  const dangling = one.replace('"item2":1', '"item2":4');
  const twice = one.replace('"item_id":1', '"item_id":0');
  const number = one.replace('"img_id":"1"', '"img_id":1');
  const long = record('x'.repeat(513));
  const reports = [
    '2 relations[0].item2: is 4, but no item has this item_id',
    '3 items[1].item_id: is 0, which an earlier item has already',
    '4 img_id: is 1, must be a string',
    '5 img_id: has 513 characters, the most allowed is 512',
    /^6 : is not JSON: /,
    '7 : is "text", must be an object',
  ];
  const broken = one.replace('"black"', 'black');
  const records = [one, dangling, twice, number, long, broken, '"text"', two];
  matches(await text(records.join('\n')), ['1 1', ...reports, '8 2']);
  matches(await text(`[${records.join(',\n')}]`), ['1 1', ...reports, '8 2']);
});

test('a line that is cut in the middle of a string is one bad line', async () => {
  matches(await text(`${one.slice(0, 30)}\n${two}\n${three.slice(0, -1)}`), [
    /^1 : is not JSON/,
    '2 2',
    /^3 : is not JSON/,
  ]);
});

test('brackets too many in one record of an array leave the next ones alone', async () => {
  matches(await text(`[${one}}},\n${two}\n,{]`), [
    /^1 : is not JSON/,
    '2 2',
    /^3 : the JSON array is not closed/,
  ]);
});

test('an array that is not closed is reported from the line where its last record starts', async () => {
  matches(await text(`[${one},\n${two},\n${three.slice(0, -1)},\n${one}`), [
    '1 1',
    '2 2',
    /^3 : the JSON array is not closed: a bracket or quotation mark is missing/,
  ]);
  matches(await text(`[${one},\n`), ['1 1', /^2 : the JSON array is not closed/]);
});

test('text after the array is reported and ignored', async () => {
  matches(await text(`[${one}]\n[${two}]`), ['1 1', '2 : text after the end of the JSON array is ignored']);
});

test('bytes that are no UTF-8 spoil their own record only', async () => {
  for (const wrong of [[0xff], [0xc3], [0xed, 0xa0, 0x80]]) {
    const [head, tail] = [Buffer.from(one.slice(0, 12)), Buffer.from(one.slice(12))];
    const body = pieces(Buffer.from(`${two}\n`), head, Buffer.from(wrong), tail, Buffer.from(`\n${three}`));
    matches(await read(body), ['1 2', /^2 : is not JSON: .*encod.*utf-8/, '3 3']);
    // At the end of a record too, where a decoder could wait for the rest of a character.
    const last = pieces(head, Buffer.from(wrong), Buffer.from(`\n${three}`));
    matches(await read(last), [/^1 : is not JSON: .*encod.*utf-8/, '2 3']);
  }
});

test('a record over the byte limit is skipped, one that reaches it is kept', async () => {
  const fill = MAX_RECORD_BYTES - record('1', { pad: '' }).length - 1;
  const exact = record('1', { pad: 'x'.repeat(fill) });
  const bytes = Buffer.byteLength(exact);
  const largest =
    bytes === MAX_RECORD_BYTES ? exact : record('1', { pad: 'x'.repeat(fill - bytes + MAX_RECORD_BYTES) });
  assert.equal(Buffer.byteLength(largest), MAX_RECORD_BYTES);
  const over = largest.replace('x', 'xx');
  const report = `is longer than ${MAX_RECORD_BYTES} bytes`;
  for (const size of [MAX_RECORD_BYTES * 4, 10_007]) {
    const lines = await read(chunked(`${over}\n${largest}\n${over}${over}\n${two}`, size));
    matches(lines, [`1 : ${report}`, '2 1', `3 : ${report}`, '4 2']);
    matches(await read(chunked(`[${over},\n${two},\n${over}]`, size)), [
      `1 : ${report}`,
      '2 2',
      `3 : ${report}`,
    ]);
  }
});

test('a gzip body cut short anywhere gives every record before the cut, and the line of the damage', async () => {
  const lines = Array.from({ length: 300 }, (_, i) => record(String((i * 7919) % 1000)));
  const packed = gzipSync(`${lines.join('\n')}\n`);
  for (let cut = 2; cut < packed.length; cut += cut < 40 || cut > packed.length - 20 ? 1 : 131) {
    const whole = cut < 10 ? 0 : gunzipSync(packed.subarray(0, cut), { finishFlush: constants.Z_SYNC_FLUSH });
    const complete = String(whole).split('\n').length - 1;
    for (const size of [cut, 100]) {
      const got = await read(chunked(packed.subarray(0, cut), size));
      matches(got, [
        ...lines.slice(0, complete).map((line, i) => `${i + 1} ${JSON.parse(line).img_id}`),
        new RegExp(`^${complete + 1} : the gzip stream is damaged or ends early`),
      ]);
    }
  }
});

test('a reader that takes its time loses nothing that was unpacked before the end broke off', async () => {
  const lines = Array.from({ length: 300 }, (_, i) => record(String(i)));
  const packed = gzipSync(`${lines.join('\n')}\n`);
  const got: string[] = [];
  for await (const one of readAnnotations(chunked(packed.subarray(0, -4), 200))) {
    got.push(told(one));
    await new Promise(setImmediate);
  }
  assert.deepEqual(
    got.slice(0, -1),
    lines.map((_, i) => `${i + 1} ${i}`),
  );
  assert.match(got.at(-1)!, /^301 : the gzip stream is damaged or ends early/);
});

test('a damaged gzip body ends with one report and no exception', async () => {
  const packed = gzipSync(Array.from({ length: 500 }, (_, i) => record(String(i))).join('\n'));
  packed.fill(0xff, packed.length / 2, packed.length / 2 + 40);
  const got = await read(chunked(packed, 64));
  assert.match(got.at(-1)!, /: the gzip stream is damaged or ends early/);
  // Damaged bytes may unpack to rubbish before it shows; what stands before them is untouched.
  const before = got.slice(
    0,
    got.findIndex((line) => line.includes(':')),
  );
  assert.ok(before.length > 100, `${before.length} records before the damage`);
  assert.deepEqual(
    before,
    before.map((_, i) => `${i + 1} ${i}`),
  );
  for (const start of [
    [0x1f, 0x8b],
    [0x1f, 0x8b, 0x09, 0xff, 0xff],
  ]) {
    matches(await read(chunked(Buffer.from(start), 1)), [/^1 : the gzip stream is damaged or ends early/]);
  }
});

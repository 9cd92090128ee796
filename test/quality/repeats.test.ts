/** Difference hashes against those of the Python package ImageHash (record_difference_hash.py), and who repeats whom. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { decodeImage } from '../../src/engine/png.ts';
import {
  bitCount,
  type DifferenceHash,
  differenceHash,
  hashText,
} from '../../src/quality/difference-hash.ts';
import { findRepeats } from '../../src/quality/repeats.ts';
import { createRandom } from '../../src/random.ts';

const recorded: { name: string; hash: string; png: string }[] = JSON.parse(
  await readFile(path.join(import.meta.dirname, 'difference-hash.json'), 'utf8'),
);
const hashOf = async (name: string) => {
  const { png } = recorded.find((one) => one.name === name)!;
  return differenceHash(await decodeImage(Buffer.from(png, 'base64')));
};
const distance = (a: DifferenceHash, b: DifferenceHash) =>
  bitCount(a.high ^ b.high) + bitCount(a.low ^ b.low);

test('hashes are those of ImageHash, bit for bit, whatever the size', async () => {
  for (const { name, hash } of recorded) assert.equal(hashText(await hashOf(name)), hash, name);
});

test('a picture that was changed a little is near, another one and the mirror are far', async () => {
  const base = await hashOf('base');
  const distances = async (names: string[]) =>
    Promise.all(names.map(async (name) => distance(base, await hashOf(name))));
  const near = await distances(['darker', 'jpeg of quality 40', 'half the size', 'cut by two pixels']);
  assert.ok(Math.max(...near) <= 8, `${near}`);
  const far = await distances(['another', 'mirrored']);
  assert.ok(Math.min(...far) >= 20, `${far}`);
});

test('bits are counted as their string has them', () => {
  const random = createRandom(5);
  const words = [0, 1, 0x80000000, 0xffffffff, ...Array.from({ length: 100 }, () => random.int(2 ** 32))];
  for (const word of words) {
    assert.equal(bitCount(word | 0), [...(word >>> 0).toString(2)].filter((bit) => bit === '1').length);
  }
});

const print = (name: string, high: number, low = 0, sha256 = name) => ({ name, high, low, sha256 });

test('the nearest kept picture is found, the first of several, up to the distance', () => {
  const repeats = findRepeats(2);
  for (const one of [print('a', 0), print('b', 0b1111), print('c', 0b1111)]) repeats.keep(one);
  const cases: [high: number, low: number, want: unknown][] = [
    [0b1, 0, { of: 'a', distance: 1, exact: false }],
    [0b111, 0, { of: 'b', distance: 1, exact: false }],
    [0b11, 0, { of: 'a', distance: 2, exact: false }],
    [0b1111, 0b11, { of: 'b', distance: 2, exact: false }],
    [0b1111, 0b111, null],
    [0xffffffff, 0xffffffff, null],
  ];
  for (const [high, low, want] of cases) assert.deepEqual(repeats.find(print('x', high, low)), want);
});

test('the same file is an exact repeat, of the first that had it; an equal hash alone is not', () => {
  const repeats = findRepeats(0);
  repeats.keep(print('a', 7, 7, 'file 1'));
  repeats.keep(print('b', 7, 7, 'file 1'));
  assert.deepEqual(repeats.find(print('c', 7, 7, 'file 1')), { of: 'a', distance: 0, exact: true });
  assert.deepEqual(repeats.find(print('c', 7, 7, 'file 2')), { of: 'a', distance: 0, exact: false });
  assert.equal(repeats.find(print('c', 7, 6, 'file 2')), null);
});

test('of many pictures the nearest is the one that a plain search finds', () => {
  const random = createRandom(11);
  const all = Array.from({ length: 3000 }, (_, i) =>
    // Few bits, so that near ones are there.
    print(String(i), random.int(2 ** 9) >>> 0, random.int(2 ** 9) >>> 0),
  );
  const repeats = findRepeats(3);
  for (const [i, one] of all.entries()) {
    if (i % 100 === 99) {
      const distances = all.slice(0, i).map((other) => distance(one, other));
      const nearest = Math.min(...distances);
      const want =
        nearest <= 3 ? { of: String(distances.indexOf(nearest)), distance: nearest, exact: false } : null;
      assert.deepEqual(repeats.find(one), want);
    }
    repeats.keep(one);
  }
});

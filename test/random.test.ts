import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom, hashSeed } from '../src/random.ts';

const WORD = 2n ** 32n;

/** sfc32 as its author writes it, in exact integers: a += b + counter++; and so on, all modulo 2^32. */
function* sfc32(seed: bigint): Generator<bigint> {
  let [a, b, c, counter] = [0x9e3779b9n, 0x243f6a88n, 0xb7e15162n, seed % WORD];
  for (let drawn = 0; ; drawn++) {
    const sum = (a + b + counter) % WORD;
    counter = (counter + 1n) % WORD;
    a = b ^ (b >> 9n);
    b = (c + ((c << 3n) % WORD)) % WORD;
    c = ((((c << 21n) % WORD) | (c >> 11n)) + sum) % WORD;
    // The first 15 mix the seed in.
    if (drawn >= 15) yield sum;
  }
}

/** 32-bit FNV-1a, then a finalizer of two multiplications, in exact integers. */
function hashed(text: string): bigint {
  let hash = 0x811c9dc5n;
  for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * 0x01000193n) % WORD;
  hash = ((hash ^ (hash >> 16n)) * 0x7feb352dn) % WORD;
  hash = ((hash ^ (hash >> 15n)) * 0x846ca68bn) % WORD;
  return hash ^ (hash >> 16n);
}

test('next is sfc32 over 2^32, word for word', () => {
  for (const seed of [0, 1, 123456789, 2 ** 32 - 1]) {
    const [random, reference] = [createRandom(seed), sfc32(BigInt(seed))];
    for (let i = 0; i < 2000; i++) {
      assert.equal(BigInt(random.next() * 2 ** 32), reference.next().value, `seed ${seed}, word ${i}`);
    }
  }
});

test('hashSeed hashes the type and text of every part', () => {
  assert.equal(BigInt(hashSeed('a', 1, 2n)), hashed('string:a\0number:1\0bigint:2\0'));
  assert.equal(BigInt(hashSeed('é')), hashed('string:é\0'));
  assert.equal(BigInt(hashSeed()), hashed(''));
  const seeds = [hashSeed('1'), hashSeed(1), hashSeed(1n), hashSeed('ab', 'c'), hashSeed('a', 'bc')];
  assert.equal(new Set(seeds).size, seeds.length);
});

/** Of `count` draws: mean of the first four powers. */
function moments(draw: () => number, count: number): number[] {
  const sums = [0, 0, 0, 0];
  for (let i = 0; i < count; i++) {
    const x = draw();
    for (let power = 0; power < 4; power++) sums[power]! += x ** (power + 1);
  }
  return sums.map((sum) => sum / count);
}

test('uniform numbers have the moments 1/2, 1/3, 1/4, 1/5, and fill 64 cells evenly', () => {
  const count = 200_000;
  const random = createRandom(11);
  for (const [i, moment] of moments(random.next, count).entries()) {
    // Five standard errors: Var(x^p) = 1/(2p+1) - 1/(p+1)^2.
    const power = i + 1;
    const allowed = 5 * Math.sqrt((1 / (2 * power + 1) - 1 / (power + 1) ** 2) / count);
    assert.ok(Math.abs(moment - 1 / (power + 1)) < allowed, `moment ${power}: ${moment}`);
  }
  const cells = new Float64Array(64);
  for (let i = 0; i < count; i++) cells[random.int(64)]!++;
  const expected = count / 64;
  const chiSquare = cells.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  // 63 degrees of freedom: mean 63, deviation 11.2.
  assert.ok(chiSquare > 25 && chiSquare < 120, `chi square ${chiSquare}`);
});

test('normal numbers have the moments 0, 1, 0, 3, tails of the right weight, and no correlation', () => {
  const count = 200_000;
  const random = createRandom(12);
  const values = Array.from({ length: count }, () => random.normal());
  let at = 0;
  const [first, second, third, fourth] = moments(() => values[at++]!, count) as [
    number,
    number,
    number,
    number,
  ];
  // Five standard errors; the variances of x, x^2, x^3, x^4 are 1, 2, 15, 96.
  const error = (variance: number) => 5 * Math.sqrt(variance / count);
  assert.ok(Math.abs(first) < error(1), `mean ${first}`);
  assert.ok(Math.abs(second - 1) < error(2), `second ${second}`);
  assert.ok(Math.abs(third) < error(15), `third ${third}`);
  assert.ok(Math.abs(fourth - 3) < error(96), `fourth ${fourth}`);
  const beyond = values.filter((x) => Math.abs(x) > 1.959964).length / count;
  assert.ok(Math.abs(beyond - 0.05) < 5 * Math.sqrt((0.05 * 0.95) / count), `beyond 1.96: ${beyond}`);
  // Both values of a pair come from one radius: neighbours must not be correlated, nor their squares.
  const product = values.slice(1).reduce((sum, x, i) => sum + x * values[i]!, 0) / count;
  const squares = values.slice(1).reduce((sum, x, i) => sum + (x * x - 1) * (values[i]! ** 2 - 1), 0) / count;
  assert.ok(Math.abs(product) < error(1), `correlation ${product}`);
  assert.ok(Math.abs(squares) < error(4), `correlation of squares ${squares}`);
});

test('a restored state continues the stream, the waiting normal number included', () => {
  for (const before of [0, 1, 2, 3]) {
    const random = createRandom(5);
    for (let i = 0; i < before; i++) random.normal();
    const state = JSON.parse(JSON.stringify(random.state()));
    assert.equal(state.spareNormal === null, before % 2 === 0);
    const draw = (from: ReturnType<typeof createRandom>) => [
      from.normal(),
      from.next(),
      from.normal(),
      from.int(99),
    ];
    const want = draw(random);
    const other = createRandom(999);
    other.normal();
    other.restore(state);
    assert.deepEqual(draw(other), want);
    assert.notDeepEqual(draw(createRandom(999)), want);
  }
});

test('shuffle gives every order equally often and leaves its argument alone', () => {
  const random = createRandom(3);
  const items = Object.freeze(['a', 'b', 'c', 'd']);
  const counts = new Map<string, number>();
  const rounds = 24_000;
  for (let i = 0; i < rounds; i++) {
    const order = random.shuffle(items).join('');
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assert.equal(counts.size, 24);
  // 1000 expected each, deviation 31.
  for (const [order, count] of counts) assert.ok(Math.abs(count - 1000) < 160, `${order}: ${count}`);
});

test('int reaches both ends and never passes them', () => {
  const random = createRandom(8);
  const seen = new Set(Array.from({ length: 500 }, () => random.int(6)));
  assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4, 5]);
});

/** Bytes changed by a seeded chance, as a broken disk, a cut connection or somebody with bad intent would. */
import type { Random } from '../../src/random.ts';

/** Values at which lengths and offsets go wrong. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff];
const TOKENS = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  '\\u0000',
  '\\ud800',
  '1e999',
  '-1',
  'null',
  '__proto__',
  '\n',
  '\0',
];

type Change = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

const at = (bytes: Buffer, random: Random) => random.int(bytes.length + 1);
const span = (bytes: Buffer, random: Random) => {
  const from = at(bytes, random);
  return [from, Math.min(bytes.length, from + 1 + random.int(64))] as const;
};
const changed = (bytes: Buffer, from: number, to: number, middle: Buffer) =>
  Buffer.concat([bytes.subarray(0, from), middle, bytes.subarray(to)]);

const CHANGES: Change[] = [
  (bytes, random) => {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[random.int(copy.length)]! ^= 1 << random.int(8);
    return copy;
  },
  (bytes, random) => {
    const edge = Buffer.alloc(8);
    edge.writeBigUInt64LE(BigInt(EDGES[random.int(EDGES.length)]!));
    const [from, width] = [at(bytes, random), [1, 2, 4, 8][random.int(4)]!];
    const part = edge.subarray(0, width);
    return changed(bytes, from, from + width, random.int(2) ? part : Buffer.from(part).reverse());
  },
  (bytes, random) => changed(bytes, ...span(bytes, random), Buffer.alloc(0)),
  (bytes, random) => {
    const [from, to] = span(bytes, random);
    return changed(bytes, to, to, bytes.subarray(from, to));
  },
  (bytes, random) => bytes.subarray(0, at(bytes, random)),
  (bytes, random) => {
    const from = at(bytes, random);
    return changed(bytes, from, from, Buffer.from(TOKENS[random.int(TOKENS.length)]!));
  },
  (bytes, random, other) =>
    changed(bytes, at(bytes, random), bytes.length, other.subarray(at(other, random))),
  (bytes, random) => {
    const [from, to] = span(bytes, random);
    return changed(bytes, from, to, Buffer.from(Array.from({ length: to - from }, () => random.int(256))));
  },
];

/** One of the seeds with one to four changes. */
export function mutated(seeds: readonly Buffer[], random: Random): Buffer {
  let bytes = seeds[random.int(seeds.length)]!;
  for (let left = 1 + random.int(4); left > 0; left--) {
    bytes = CHANGES[random.int(CHANGES.length)]!(bytes, random, seeds[random.int(seeds.length)]!);
  }
  return bytes;
}

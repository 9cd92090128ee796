/**
 * Seeded random numbers whose state is a plain value, so that a checkpoint can hold it.
 * Generator: sfc32 (Chris Doty-Humphrey, PractRand), seeded through a 32-bit FNV-1a hash.
 */

export interface RandomState {
  words: [number, number, number, number];
  /** Second value of the last Box-Muller pair, when one is waiting. */
  spareNormal: number | null;
}

export interface Random {
  /** Uniform in [0, 1) with 32 bits of resolution. */
  next(): number;
  /** Uniform integer in [0, n). */
  int(n: number): number;
  /** Standard normal (Box-Muller). */
  normal(): number;
  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[];
  state(): RandomState;
  restore(state: RandomState): void;
}

/** A 32-bit seed from any parts; equal parts give equal seeds on every machine. */
export function hashSeed(...parts: (string | number | bigint)[]): number {
  let hash = 0x811c9dc5;
  for (const part of parts) {
    for (const byte of new TextEncoder().encode(`${typeof part}:${part}\u0000`)) {
      hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    }
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b) >>> 0;
  return (hash ^ (hash >>> 16)) >>> 0;
}

export function createRandom(seed: number): Random {
  let [a, b, c, d] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, seed >>> 0];
  let spareNormal: number | null = null;

  function word(): number {
    const sum = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  }
  for (let i = 0; i < 15; i++) word();

  const next = () => word() / 4294967296;
  return {
    next,
    int: (n) => Math.floor(next() * n),
    normal() {
      if (spareNormal !== null) {
        const value = spareNormal;
        spareNormal = null;
        return value;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - next()));
      const angle = 2 * Math.PI * next();
      spareNormal = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
    shuffle(items) {
      const copy = [...items];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = Math.floor(next() * (i + 1));
        [copy[i], copy[j]] = [copy[j] as never, copy[i] as never];
      }
      return copy;
    },
    state: () => ({ words: [a | 0, b | 0, c | 0, d | 0], spareNormal }),
    restore(state) {
      [a, b, c, d] = state.words;
      spareNormal = state.spareNormal;
    },
  };
}

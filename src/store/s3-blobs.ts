/** Blobs as objects of a bucket, for workers on many machines. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import PQueue from 'p-queue';
import { DiptychError } from '../errors.ts';
import { type BlobStore, sha256Of } from './blobs.ts';
import type { Bucket } from './s3-bucket.ts';

const SENT_TOGETHER = 8;

/** Its put and get throw DIPTYCH_BLOBS_UNAVAILABLE where the server gives no answer, or refuses. */
export function s3Blobs(bucket: Bucket): BlobStore {
  const keyOf = (sha256: string) => `${sha256.slice(0, 2)}/${sha256}`;

  // The same bytes have the same name: putting them again changes nothing, so nothing is asked first.
  async function put(bytes: Uint8Array): Promise<string> {
    const sha256 = sha256Of(bytes);
    await bucket.put(keyOf(sha256), bytes, `blob ${sha256}`);
    return sha256;
  }

  return {
    put,
    async adopt(folder) {
      const queue = new PQueue({ concurrency: SENT_TOGETHER });
      for (const prefix of await readdir(folder)) {
        const names = await readdir(path.join(folder, prefix));
        await queue.addAll(
          names.map((name) => async () => put(await readFile(path.join(folder, prefix, name)))),
        );
      }
    },
    async get(sha256) {
      const bytes = await bucket.get(keyOf(sha256), `blob ${sha256}`);
      // A body that was cut off or mixed up on its way is never taken for the image.
      if (sha256Of(bytes) === sha256) return bytes;
      throw new DiptychError(
        'DIPTYCH_BLOBS_UNAVAILABLE',
        `can't get blob ${sha256} in ${bucket.name}: other bytes came`,
      );
    },
    async check() {
      await this.put(Buffer.from('diptych'));
    },
  };
}

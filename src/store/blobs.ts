/** Bytes by content hash: written once, never changed. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import PQueue from 'p-queue';
import { DiptychError } from '../errors.ts';

export interface BlobStore {
  /** Keeps the bytes and returns their sha256 as hex. Durable when it resolves. */
  put(bytes: Uint8Array): Promise<string>;
  /** Throws DIPTYCH_NOT_FOUND. */
  get(sha256: string): Promise<Buffer>;
  /** Throws when nothing can be put. */
  check(): Promise<void>;
  /** Takes over every blob of a folder store's folder on this disk. Durable when it resolves. */
  adopt(folder: string): Promise<void>;
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** `durable: false`: what is put may be lost with the power until a store adopts it. */
export function folderBlobs(folder: string, { durable = true } = {}): BlobStore {
  const fileOf = (sha256: string) => path.join(folder, sha256.slice(0, 2), sha256);
  return {
    async put(bytes) {
      const sha256 = sha256Of(bytes);
      const file = fileOf(sha256);
      if (await exists(file)) return sha256;
      await mkdir(path.dirname(file), { recursive: true });
      // A name of its own: the same bytes may be put twice at once.
      const temporary = `${file}.${randomUUID()}.tmp`;
      try {
        await writeFile(temporary, bytes, { flush: durable });
        await rename(temporary, file);
      } catch (thrown) {
        // A full disk should not get fuller with every try.
        await rm(temporary, { force: true });
        throw thrown;
      }
      return sha256;
    },
    async get(sha256) {
      try {
        return await readFile(fileOf(sha256));
      } catch (cause) {
        throw new DiptychError('DIPTYCH_NOT_FOUND', `there is no blob ${sha256} in ${folder}`, { cause });
      }
    },
    async check() {
      await mkdir(folder, { recursive: true });
      // Written, not only asked about: a full disk has permissions too.
      const trial = path.join(folder, `${randomUUID()}.tmp`);
      await writeFile(trial, 'x');
      await rm(trial);
    },
    async adopt(from) {
      const queue = new PQueue({ concurrency: SYNCED_TOGETHER });
      for (const prefix of await readdir(from)) {
        await mkdir(path.join(folder, prefix), { recursive: true });
        const names = await readdir(path.join(from, prefix));
        await queue.addAll(names.map((name) => () => take(path.join(from, prefix, name), fileOf(name))));
      }
    },
  };
}

/** The disk does it for many at once. */
const SYNCED_TOGETHER = 16;

/** In the place of the same bytes, where they are there. */
async function take(from: string, to: string): Promise<void> {
  const handle = await open(from);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(from, to);
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

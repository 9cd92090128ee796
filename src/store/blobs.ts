/** Bytes by content hash: written once, never changed. */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { renameSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { DiptychError } from '../errors.ts';

export interface BlobStore {
  /** Keeps the bytes and returns their sha256 as hex. Durable when it resolves. */
  put(bytes: Uint8Array): Promise<string>;
  /** Throws DIPTYCH_NOT_FOUND. */
  get(sha256: string): Promise<Buffer>;
  /** Throws when nothing can be put. */
  check(): Promise<void>;
  /** Takes over every file of a folder on this disk, laid out as a folder store has them. Durable when it resolves. */
  adopt(folder: string): Promise<void>;
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Where a folder store has a blob. */
export const blobFile = (folder: string, sha256: string): string =>
  path.join(folder, sha256.slice(0, 2), sha256);

export function folderBlobs(folder: string): BlobStore {
  const fileOf = (sha256: string) => blobFile(folder, sha256);
  return {
    async put(bytes) {
      const sha256 = sha256Of(bytes);
      const file = fileOf(sha256);
      if (await exists(file)) return sha256;
      await mkdir(path.dirname(file), { recursive: true });
      // A name of its own: the same bytes may be put twice at once.
      const temporary = `${file}.${randomUUID()}.tmp`;
      try {
        await writeFile(temporary, bytes, { flush: true });
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
      // One flush of the file system: one for each file takes several times as long.
      await run('sync', ['--file-system', from]);
      for (const prefix of await readdir(from)) {
        await mkdir(path.join(folder, prefix), { recursive: true });
        const names = await readdir(path.join(from, prefix));
        // In the place of the same bytes, where they are there. A thread for each would take longer than the renaming.
        for (const name of names) renameSync(path.join(from, prefix, name), fileOf(name));
      }
    },
  };
}

const run = promisify(execFile);

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

/** Files that were sent to be imported: a folder for each upload, below one that nothing else is kept in. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { DiptychError } from '../errors.ts';

const UPLOAD = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const MAX_NAME_BYTES = 1000;

/** Of an upload. Throws DIPTYCH_INVALID_INPUT for what is no plain name. */
export function uploadFolder(uploads: string, name: string): string {
  if (UPLOAD.test(name)) return path.join(uploads, name);
  throw new DiptychError(
    'DIPTYCH_INVALID_INPUT',
    `upload is "${name}", must be up to 100 letters, digits, "-", "_" or ".", and begin with a letter or digit`,
  );
}

/**
 * Keeps a file of an upload, in the place of one of the same name; it is there when all of it is. Throws
 * DIPTYCH_INVALID_INPUT for a name that leads out of the upload's folder.
 */
export async function putUpload(
  uploads: string,
  upload: string,
  name: string,
  content: AsyncIterable<Uint8Array>,
): Promise<{ bytes: number; sha256: string }> {
  const folder = uploadFolder(uploads, upload);
  const parts = name.split('/');
  if (Buffer.byteLength(name) > MAX_NAME_BYTES || parts.some((part) => /^\.{0,2}$|[\\\0]/.test(part))) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `file is "${name}", must be a name, or names with "/" between`,
    );
  }
  const file = path.join(folder, ...parts);
  // Beside the uploads, so that an import never meets half of a file.
  const partial = path.join(uploads, `.partial-${randomUUID()}`);
  await mkdir(path.dirname(file), { recursive: true });
  const hash = createHash('sha256');
  let bytes = 0;
  const handle = await open(partial, 'w');
  try {
    for await (const chunk of content) {
      hash.update(chunk);
      bytes += chunk.length;
      await handle.writeFile(chunk);
    }
    await handle.sync();
    await rename(partial, file);
  } finally {
    await handle.close();
    await rm(partial, { force: true });
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Throws DIPTYCH_NOT_FOUND. */
export async function deleteUpload(uploads: string, upload: string): Promise<void> {
  const folder = uploadFolder(uploads, upload);
  const known = await readdir(uploads).catch(() => [] as string[]);
  if (!known.includes(upload)) throw new DiptychError('DIPTYCH_NOT_FOUND', `there is no upload "${upload}"`);
  await rm(folder, { recursive: true, force: true });
}

/**
 * Files by the key of what they were made from, shared by runs. A run holds each file that it needs as a hard link in a
 * folder of its own, so that nothing that happens to the shared folder takes it away. A file begins with a sha256 over
 * its key and the rest: one that was cut short or damaged is found out and made again, so nothing needs to be synced.
 */
import { createHash, randomUUID } from 'node:crypto';
import { copyFile, link, mkdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';

export const CHECKSUM_BYTES = 32;

export interface TrajectoryFiles {
  /** Whether the file is in the run's own folder, whole, now: it was, or the shared folder has it. */
  hold(key: string): Promise<boolean>;
  /** Makes a file, in the run's own folder and the shared one. Runs may make the same one at once. */
  add(key: string, content: Uint8Array): Promise<void>;
  /** Of a file that is held: a checksum, then its content. */
  pathOf(key: string): string;
}

/** @param shared absent: the run's own folder alone */
export async function openTrajectoryFiles(own: string, shared?: string): Promise<TrajectoryFiles> {
  for (const folder of shared ? [own, shared] : [own]) await mkdir(folder, { recursive: true });
  const pathOf = (key: string) => path.join(own, key);
  const sharedPathOf = (key: string) => path.join(shared!, key.slice(0, 2), key);

  /** Whether a whole file lies at a path now. A damaged one is removed. */
  async function isWhole(file: string, key: string): Promise<boolean> {
    const bytes = await unlessMissing(readFile(file));
    if (!bytes) return false;
    const content = bytes.subarray(CHECKSUM_BYTES);
    if (checksum(key, content).equals(bytes.subarray(0, CHECKSUM_BYTES))) return true;
    console.error(`${file} is damaged or cut short: it is removed and made again`);
    await rm(file, { force: true });
    return false;
  }

  return {
    pathOf,
    async hold(key) {
      const file = pathOf(key);
      if (await isWhole(file, key)) {
        if (shared) await markUsed(sharedPathOf(key));
        return true;
      }
      if (!shared) return false;
      const from = sharedPathOf(key);
      if (!(await linkOrCopy(from, file))) return false;
      await markUsed(from);
      if (await isWhole(file, key)) return true;
      await rm(from, { force: true });
      return false;
    },
    async add(key, content) {
      const file = pathOf(key);
      await writeWhole(file, (temporary) =>
        writeFile(temporary, Buffer.concat([checksum(key, content), content])),
      );
      if (!shared) return;
      await mkdir(path.dirname(sharedPathOf(key)), { recursive: true });
      await linkOrCopy(file, sharedPathOf(key));
    },
  };
}

/** Over the key too, so that a file under another's name is none. */
const checksum = (key: string, content: Uint8Array) =>
  createHash('sha256').update(key).update(content).digest();

/** Under a name of its own first: a frozen worker that wakes up may write the same file. */
async function writeWhole(file: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  await write(temporary);
  await rename(temporary, file);
}

/** False where there is nothing to link. A file that is there already stays. */
async function linkOrCopy(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    if (code === 'EEXIST') return true;
  }
  // Another file system, or one without links.
  const copied = unlessMissing(writeWhole(to, (temporary) => copyFile(from, temporary)).then(() => true));
  return (await copied) ?? false;
}

/** What was used longest ago is evicted first (trim-folder.ts). */
async function markUsed(file: string): Promise<void> {
  const now = new Date();
  await unlessMissing(utimes(file, now, now));
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw thrown;
  }
}

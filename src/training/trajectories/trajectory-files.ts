/**
 * Files by the key of what they were made from, shared by runs. A run holds each file that it needs as a hard link in a
 * folder of its own, so that nothing that happens to the shared folder takes it away. A file begins with a sha256 over
 * its key and the rest: one that was cut short or damaged is found out and made again, so nothing needs to be synced.
 */
import { createHash, randomUUID } from 'node:crypto';
import { copyFile, link, mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';

export const CHECKSUM_BYTES = 32;

export interface TrajectoryFiles {
  /** Whether the file is in the run's own folder, whole, now: it was, or the shared folder has it. */
  hold(key: string): Promise<boolean>;
  /**
   * Makes files, in the run's own folder and the shared one; other runs may make the same at once. A kill leaves all of
   * them or none in the run's own folder: what is computed in one batch depends a little on what else is in it.
   */
  add(files: ReadonlyMap<string, Uint8Array>): Promise<void>;
  /** Of a file that is held: a checksum, then its content. */
  pathOf(key: string): string;
}

const BATCH = /^batch-[^.]+$/;
const PARTIAL = '.partial';

/** @param shared absent: the run's own folder alone */
export async function openTrajectoryFiles(own: string, shared?: string): Promise<TrajectoryFiles> {
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

  /** What the run holds becomes what others find. */
  async function share(key: string): Promise<void> {
    if (!shared) return;
    const to = sharedPathOf(key);
    await mkdir(path.dirname(to), { recursive: true });
    await linkOrCopy(pathOf(key), to);
    await markUsed(to);
  }

  /** Takes the files out of a batch that is whole. */
  async function unpack(batch: string): Promise<void> {
    for (const key of await readdir(batch)) await unlessMissing(rename(path.join(batch, key), pathOf(key)));
    await rm(batch, { recursive: true, force: true });
  }

  for (const folder of shared ? [own, shared] : [own]) await mkdir(folder, { recursive: true });
  for (const name of await readdir(own)) {
    if (BATCH.test(name)) await unpack(path.join(own, name));
    else if (name.endsWith(PARTIAL)) await rm(path.join(own, name), { recursive: true });
  }

  return {
    pathOf,
    async hold(key) {
      const file = pathOf(key);
      if (!(await isWhole(file, key))) {
        if (!shared || !(await linkOrCopy(sharedPathOf(key), file))) return false;
        if (!(await isWhole(file, key))) {
          await rm(sharedPathOf(key), { force: true });
          return false;
        }
      }
      await share(key);
      return true;
    },
    async add(files) {
      const batch = path.join(own, `batch-${randomUUID()}`);
      await mkdir(batch + PARTIAL);
      for (const [key, content] of files)
        await writeFile(path.join(batch + PARTIAL, key), Buffer.concat([checksum(key, content), content]));
      await rename(batch + PARTIAL, batch);
      await unpack(batch);
      for (const key of files.keys()) await share(key);
    },
  };
}

/** Over the key too, so that a file under another's name is none. */
const checksum = (key: string, content: Uint8Array) =>
  createHash('sha256').update(key).update(content).digest();

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
  // Another file system, or one without links. A name of its own: another run may copy the same file.
  const temporary = `${to}.${randomUUID()}.tmp`;
  const copied = copyFile(from, temporary)
    .then(() => rename(temporary, to))
    .then(() => true);
  return (await unlessMissing(copied)) ?? false;
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

/**
 * What weight files hold, as a sha256. Weights are gigabytes and every task asks which model it works with, so a hash
 * is kept for as long as path, size, time of change and inode of every file stay what they were.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

const known = new Map<string, { stamps: string; hash: Promise<string> }>();

/** sha256 over the bytes of the files in the given order, as hex; read once in this thread while they don't change. */
export async function hashFiles(paths: readonly string[]): Promise<string> {
  const key = paths.join('\0');
  // Taken before reading: a file that changes meanwhile has other stamps at the next call.
  const stamps = (await Promise.all(paths.map(stampOf))).join();
  const kept = known.get(key);
  if (kept?.stamps === stamps) return kept.hash;
  const hash = readAndHash(paths);
  known.set(key, { stamps, hash });
  // A failed reading is not kept.
  hash.catch(() => known.delete(key));
  return hash;
}

async function stampOf(path: string): Promise<string> {
  const { size, mtimeNs, ino } = await stat(path, { bigint: true });
  return `${size} ${mtimeNs} ${ino}`;
}

async function readAndHash(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}

/** A folder kept below a size: the files that were changed or used longest ago go first. */
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';

/** Removes files until at most so many bytes are left. Others may add and remove files meanwhile. */
export async function trimFolder(folder: string, bytes: number): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const facts = await stat(file).catch(() => null);
    if (facts) files.push({ file, size: facts.size, used: facts.mtimeMs });
  }
  let left = files.reduce((sum, { size }) => sum + size, 0);
  files.sort((a, b) => a.used - b.used || (a.file < b.file ? -1 : 1));
  for (const { file, size } of files) {
    if (left <= bytes) return;
    await rm(file, { force: true });
    left -= size;
  }
}

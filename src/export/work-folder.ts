/** Where an export is made before it takes its place. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';

/**
 * A new folder beside the target. Folders of earlier calls go: what they belong to was killed, or lost its lease
 * and now fails at its next write instead of replacing this export.
 */
export async function makeWorkFolder(target: string): Promise<string> {
  const { dir, base } = path.parse(path.resolve(target));
  const prefix = `${base}.partial-`;
  await mkdir(dir, { recursive: true });
  for (const name of await readdir(dir)) {
    if (name.startsWith(prefix))
      await rm(path.join(dir, name), { recursive: true, force: true, maxRetries: 5 });
  }
  const work = path.join(dir, `${prefix}${randomUUID()}`);
  await mkdir(work);
  return work;
}

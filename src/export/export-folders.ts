/** The folders of exports, one for each, named by its id. */
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';

/**
 * Removes the folders, whole or partial, that belong to no export: of those just deleted, and of those whose removal
 * was cut short. An export is known before it has a folder, so `known` is asked after the folders were listed.
 */
export async function removeForgotten(
  folder: string,
  known: (ids: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<void> {
  const names = await readdir(folder).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return [];
    throw thrown;
  });
  const idOf = (name: string) => name.split('.partial-')[0]!;
  const there = await known(names.map(idOf));
  for (const name of names) {
    if (!there.has(idOf(name)))
      await rm(path.join(folder, name), { recursive: true, force: true, maxRetries: 5 });
  }
}

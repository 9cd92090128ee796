/** The folders of exports: one for each, named by its id, and in it one for each attempt, named by its number. */
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';

/**
 * Removes the folders that belong to no export: of those just deleted, and of those whose removal was cut short. An
 * export is known before it has a folder, so `known` is asked after the folders were listed.
 */
export async function removeForgotten(
  folder: string,
  known: (ids: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<void> {
  const names = await namesIn(folder);
  const there = await known(names);
  for (const name of names) {
    if (!there.has(name)) await removeFolder(path.join(folder, name));
  }
}

/** Removes what attempts before this one left of an export, whole or partial. */
export async function removeEarlier(folder: string, attempt: number): Promise<void> {
  for (const name of await namesIn(folder)) {
    if (Number.parseInt(name, 10) < attempt) await removeFolder(path.join(folder, name));
  }
}

/** A stale worker may write to it meanwhile. */
const removeFolder = (folder: string) => rm(folder, { recursive: true, force: true, maxRetries: 5 });

const namesIn = (folder: string): Promise<string[]> =>
  readdir(folder).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return [];
    throw thrown;
  });

/** Files and folders that a run leaves behind. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Store, Transaction } from './client.ts';

export interface ArtifactFacts {
  name: string;
  path: string;
  bytes: number;
  /** Over the content; of a folder, over the contents of its files in the order of their names. */
  sha256: string;
}

/** Measures artifacts, given as name -> path. */
export function describeArtifacts(paths: Record<string, string>): Promise<ArtifactFacts[]> {
  return Promise.all(
    Object.entries(paths).map(async ([name, where]) => {
      const hash = createHash('sha256');
      let bytes = 0;
      for (const file of await filesOf(where)) {
        for await (const chunk of createReadStream(file)) {
          hash.update(chunk as Buffer);
          bytes += (chunk as Buffer).length;
        }
      }
      return { name, path: where, bytes, sha256: hash.digest('hex') };
    }),
  );
}

async function filesOf(where: string): Promise<string[]> {
  if (!(await stat(where)).isDirectory()) return [where];
  const entries = await readdir(where, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

/** Notes artifacts; one of the same name is replaced. */
export async function writeArtifacts(
  tx: Transaction,
  runId: string,
  artifacts: readonly ArtifactFacts[],
): Promise<void> {
  for (const { name, ...facts } of artifacts) {
    const data = { ...facts, bytes: BigInt(facts.bytes) };
    await tx.artifact.upsert({
      where: { runId_name: { runId, name } },
      create: { runId, name, ...data },
      update: data,
    });
    await tx.event.create({ data: { runId, type: 'artifact-written', data: { name, bytes: facts.bytes } } });
  }
}

export async function listArtifacts(store: Store, runId: string): Promise<ArtifactFacts[]> {
  const rows = await store.artifact.findMany({ where: { runId }, orderBy: { name: 'asc' } });
  return rows.map(({ name, path: where, bytes, sha256 }) => ({
    name,
    path: where,
    bytes: Number(bytes),
    sha256,
  }));
}

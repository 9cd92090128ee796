/** Files and folders that a run leaves behind. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { DiptychError } from '../errors.ts';
import { query, type Store, type Transaction } from './client.ts';

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
  await writeFiles(tx, runId, artifacts);
  for (const { name, bytes } of artifacts) {
    await tx.event.create({ data: { runId, type: 'artifact-written', data: { name, bytes } } });
  }
}

/** Rows in one statement. */
const BATCH = 5000;

/** The same for files of any number, without an event for each. */
export async function writeFiles(
  tx: Transaction,
  runId: string,
  files: readonly ArtifactFacts[],
): Promise<void> {
  for (let at = 0; at < files.length; at += BATCH) {
    await query(
      tx,
      `INSERT INTO artifact (run_id, name, path, bytes, sha256)
       SELECT $1::uuid, r.name, r.path, r.bytes, r.sha256
       FROM jsonb_to_recordset($2::jsonb) AS r(name text, path text, bytes bigint, sha256 text)
       ON CONFLICT (run_id, name) DO UPDATE
         SET path = EXCLUDED.path, bytes = EXCLUDED.bytes, sha256 = EXCLUDED.sha256
       RETURNING name`,
      runId,
      JSON.stringify(files.slice(at, at + BATCH)),
    );
  }
}

/** By name; with a page, `limit` after the name `after`. */
export async function listArtifacts(
  store: Store,
  runId: string,
  page?: { after: string; limit: number },
): Promise<ArtifactFacts[]> {
  const rows = await store.artifact.findMany({
    where: { runId, ...(page ? { name: { gt: page.after } } : {}) },
    orderBy: { name: 'asc' },
    take: page?.limit,
  });
  return rows.map(factsOf);
}

/** Throws DIPTYCH_NOT_FOUND. */
export async function findArtifact(store: Store, runId: string, name: string): Promise<ArtifactFacts> {
  const row = await store.artifact.findUnique({ where: { runId_name: { runId, name } } });
  if (!row) throw new DiptychError('DIPTYCH_NOT_FOUND', `run ${runId} has no artifact "${name}"`);
  return factsOf(row);
}

const factsOf = ({ name, path: where, bytes, sha256 }: Omit<ArtifactFacts, 'bytes'> & { bytes: bigint }) => ({
  name,
  path: where,
  bytes: Number(bytes),
  sha256,
});

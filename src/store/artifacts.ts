/** Files and folders that a run leaves behind. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { DiptychError } from '../errors.ts';
import { query, type Store, type Transaction } from './client.ts';

export interface FileFacts {
  /** Inside of its folder, with slashes. */
  name: string;
  bytes: number;
  /** Over the content. */
  sha256: string;
}

export interface ArtifactFacts extends FileFacts {
  /** On the machine that made it. */
  path: string;
  /** Of a folder; its sha256 is that of this listing. */
  files?: FileFacts[];
}

/** Measures artifacts, given as name -> path. */
export function describeArtifacts(paths: Record<string, string>): Promise<ArtifactFacts[]> {
  return Promise.all(
    Object.entries(paths).map(async ([name, where]) =>
      (await stat(where)).isDirectory()
        ? describeFolder(name, where)
        : { name, path: where, ...(await measure(where)) },
    ),
  );
}

/** `known`: files that were measured before and have not changed. */
export async function describeFolder(
  name: string,
  folder: string,
  known: readonly FileFacts[] = [],
): Promise<ArtifactFacts> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const inside = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
    .sort();
  const measured = new Map(known.map((file) => [file.name, file]));
  const files: FileFacts[] = [];
  for (const file of inside)
    files.push(measured.get(file) ?? { name: file, ...(await measure(path.join(folder, file))) });
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { name, path: folder, bytes, sha256: listingHash(files), files };
}

/** Over what `sha256sum` prints of the files. */
export function listingHash(files: readonly FileFacts[]): string {
  const hash = createHash('sha256');
  for (const { sha256, name } of files) hash.update(`${sha256}  ${name}\n`);
  return hash.digest('hex');
}

async function measure(file: string): Promise<Omit<FileFacts, 'name'>> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(file)) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return { bytes, sha256: hash.digest('hex') };
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
      `INSERT INTO artifact (run_id, name, path, bytes, sha256, files)
       SELECT $1::uuid, r.name, r.path, r.bytes, r.sha256, r.files
       FROM jsonb_to_recordset($2::jsonb) AS r(name text, path text, bytes bigint, sha256 text, files jsonb)
       ON CONFLICT (run_id, name) DO UPDATE
         SET path = EXCLUDED.path, bytes = EXCLUDED.bytes, sha256 = EXCLUDED.sha256, files = EXCLUDED.files
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

/** Null where the run has none of this name. */
export async function lookUpArtifact(
  store: Store,
  runId: string,
  name: string,
): Promise<ArtifactFacts | null> {
  const row = await store.artifact.findUnique({ where: { runId_name: { runId, name } } });
  return row && factsOf(row);
}

/** An artifact, or a file of one that is a folder: `model/unet/config.json`. Throws DIPTYCH_NOT_FOUND. */
export async function findArtifact(store: Store, runId: string, name: string): Promise<ArtifactFacts> {
  const itself = await lookUpArtifact(store, runId, name);
  if (itself) return itself;
  const folders = [...name.matchAll(/\//g)].map(({ index }) => name.slice(0, index));
  const rows = await store.artifact.findMany({ where: { runId, name: { in: folders } } });
  for (const { name: folder, path: where, files } of rows.map(factsOf)) {
    const inside = name.slice(folder.length + 1);
    const file = files?.find((one) => one.name === inside);
    if (file) return { ...file, name, path: path.join(where, inside) };
  }
  throw new DiptychError('DIPTYCH_NOT_FOUND', `run ${runId} has no artifact "${name}"`);
}

interface ArtifactRow {
  name: string;
  path: string;
  bytes: bigint;
  sha256: string;
  files: unknown;
}

const factsOf = ({ name, path: where, bytes, sha256, files }: ArtifactRow): ArtifactFacts => ({
  name,
  path: where,
  bytes: Number(bytes),
  sha256,
  ...(files ? { files: files as FileFacts[] } : {}),
});

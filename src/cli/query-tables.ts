/** Files and folders as tables of DuckDB: names, and the expressions that read them. */
import { glob, stat } from 'node:fs/promises';
import path from 'node:path';
import { DiptychError } from '../errors.ts';
import { LAYOUT_NAMES } from '../export/layouts/index.ts';

/** What DuckDB reads, by the name of the table. */
export type Tables = Record<string, string>;

const READERS: Record<string, string> = {
  '.parquet': 'read_parquet',
  '.json': 'read_json',
  '.jsonl': 'read_json',
  '.csv': 'read_csv',
};

/** Throws DIPTYCH_INVALID_INPUT for a path that is no table, and for a folder without one. */
export async function tablesOf(paths: readonly string[]): Promise<Tables> {
  const tables: Tables = {};
  for (const where of paths) {
    const there = await stat(where).catch(() => null);
    if (!there) throw new DiptychError('DIPTYCH_INVALID_INPUT', `there is no file or folder "${where}"`);
    if (!there.isDirectory()) tables[tableName(path.parse(where).name)] = reading([where]);
    else Object.assign(tables, await tablesOfExport(where));
  }
  return tables;
}

/** A table for each layout that has one, and `dropped`. */
async function tablesOfExport(folder: string): Promise<Tables> {
  const found = async (pattern: string) => (await Array.fromAsync(glob(pattern, { cwd: folder }))).sort();
  const sources: [name: string, files: string[]][] = [['dropped', await found('dropped.jsonl')]];
  for (const layout of LAYOUT_NAMES) {
    const parquet = await found(`${layout}/{*,data/*}.parquet`);
    sources.push([layout, parquet.length > 0 ? parquet : await found(`${layout}/{train,validation}.json`)]);
  }
  const tables = sources
    .filter(([, files]) => files.length > 0)
    .map(([name, files]) => [tableName(name), reading(files.map((file) => path.join(folder, file)))]);
  if (tables.length === 0) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `"${folder}" has no layout that is a table; name the folder that \`diptych export\` wrote to`,
    );
  }
  return Object.fromEntries(tables);
}

const tableName = (name: string) => name.replaceAll(/[^A-Za-z0-9_]/g, '_');

function reading(files: readonly string[]): string {
  const extension = path.extname(files[0]!);
  const reader = READERS[extension];
  if (!reader) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `"${files[0]}" is no table; a file must end with ${Object.keys(READERS).join(', ')}`,
    );
  }
  return `${reader}([${files.map((file) => `'${file.replaceAll("'", "''")}'`).join(', ')}])`;
}

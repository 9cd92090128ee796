/**
 * Brings a database to this version's schema: the files of prisma/migrations in order, each in its own
 * transaction, noted in Prisma's own table. Refuses a database that holds edited or unknown migrations.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { asError, DiptychError } from '../errors.ts';
import { query, type Store } from './client.ts';

const MIGRATIONS = path.resolve(import.meta.dirname, '../../prisma/migrations');
/** The lock that Prisma's own migration command takes, so that the two exclude each other. */
const LOCK = 72707369;

const TABLE = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz,
  migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz,
  started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0)`;

/** Names of the migrations that were applied now. Throws DIPTYCH_DATABASE_UNAVAILABLE. */
export async function migrate(url: string, folder = MIGRATIONS): Promise<string[]> {
  const names = await shipped(folder);
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
  } catch (cause) {
    throw new DiptychError(
      'DIPTYCH_DATABASE_UNAVAILABLE',
      `can't connect to the database: ${asError(cause).message}`,
      { cause },
    );
  }
  try {
    await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
    await client.query(TABLE);
    const { rows } = await client.query<{ migration_name: string; checksum: string; finished: boolean }>(
      `SELECT migration_name, checksum, finished_at IS NOT NULL AS finished FROM _prisma_migrations
       WHERE rolled_back_at IS NULL`,
    );
    const failed = rows.find(({ finished }) => !finished);
    if (failed) {
      throw refused(`migration "${failed.migration_name}" was begun by another program and not finished`);
    }
    const applied = new Map(rows.map((row) => [row.migration_name, row.checksum]));
    for (const name of applied.keys()) {
      if (!names.includes(name)) {
        throw refused(`it holds migration "${name}", which this version does not know; use a newer version`);
      }
    }
    const done: string[] = [];
    for (const name of names) {
      const sql = await readFile(path.join(folder, name, 'migration.sql'), 'utf8');
      const checksum = createHash('sha256').update(sql).digest('hex');
      const known = applied.get(name);
      if (known !== undefined && known !== checksum) {
        throw refused(`migration "${name}" was edited after it was applied; restore the file`);
      }
      if (known !== undefined) continue;
      await client.query('BEGIN');
      try {
        await client.query(sql);
        await client.query(
          `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
           VALUES ($1, $2, $3, now(), 1)`,
          [randomUUID(), checksum, name],
        );
        await client.query('COMMIT');
      } catch (thrown) {
        await client.query('ROLLBACK');
        throw refused(
          `migration "${name}" fails, and nothing of it was kept: ${asError(thrown).message}`,
          thrown,
        );
      }
      done.push(name);
    }
    return done;
  } finally {
    await client.end();
  }
}

/** Of this version's, those that the database doesn't hold. */
export async function missingMigrations(store: Store): Promise<string[]> {
  const rows = await query<{ name: string }>(
    store,
    'SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
  );
  const applied = new Set(rows.map(({ name }) => name));
  return (await shipped(MIGRATIONS)).filter((name) => !applied.has(name));
}

const shipped = async (folder: string) => (await readdir(folder)).filter((name) => /^\d/.test(name)).sort();

const refused = (what: string, cause?: unknown) =>
  new DiptychError('DIPTYCH_DATABASE_UNAVAILABLE', `the database is refused: ${what}`, { cause });

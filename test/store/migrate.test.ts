import assert from 'node:assert/strict';
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { migrate } from '../../src/store/migrate.ts';
import { freePort } from '../../src/store/postgres.ts';
import { execute, useDatabase } from '../database.ts';
import { temporaryFolder } from '../temporary.ts';

const FOLDER = path.resolve(import.meta.dirname, '../../prisma/migrations');
const database = await useDatabase();
const shipped = (await readdir(FOLDER)).filter((name) => /^\d/.test(name)).sort();

const tables = async (url: string) =>
  (await execute(url, `SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`)).map(
    ({ tablename }) => tablename,
  );
const noted = async (url: string) =>
  (await execute(url, 'SELECT migration_name FROM _prisma_migrations ORDER BY 1')).map(
    ({ migration_name }) => migration_name,
  );

test('an empty database gets every migration, in order, and a second call finds nothing to do', async () => {
  const url = await database.another('empty');
  assert.deepEqual(await migrate(url), shipped);
  assert.deepEqual(await noted(url), shipped);
  assert.ok((await tables(url)).includes('annotation'));
  assert.deepEqual(await migrate(url), []);
});

test('of several that migrate at once, one does the work and the others wait for it', async () => {
  const url = await database.another('at_once');
  const applied = await Promise.all(Array.from({ length: 4 }, () => migrate(url)));
  assert.deepEqual(
    applied.filter((names) => names.length > 0),
    [shipped],
  );
  assert.deepEqual(await noted(url), shipped);
});

test('an edited migration is refused by name', async () => {
  const url = await database.another('edited');
  await migrate(url);
  await execute(url, `UPDATE _prisma_migrations SET checksum = repeat('0', 64)`);
  const before = await tables(url);
  await assert.rejects(migrate(url), {
    code: 'DIPTYCH_DATABASE_UNAVAILABLE',
    message: new RegExp(`migration "${shipped[0]}" was edited after it was applied`),
  });
  assert.deepEqual(await tables(url), before);
});

test('a database of a newer version is refused', async () => {
  const url = await database.another('newer');
  await migrate(url);
  await execute(
    url,
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('x', 'x', '9999_later', now())`,
  );
  await assert.rejects(migrate(url), /"9999_later", which this version does not know/);
});

test('a migration that another program left unfinished is refused', async () => {
  const url = await database.another('unfinished');
  await migrate(url);
  await execute(url, 'UPDATE _prisma_migrations SET finished_at = NULL');
  await assert.rejects(migrate(url), /was begun by another program and not finished/);
});

test('a failing migration leaves nothing of itself, keeps those before it, and says what failed', async (t) => {
  const url = await database.another('failing');
  const folder = await temporaryFolder(t);
  await cp(FOLDER, folder, { recursive: true });
  await mkdir(path.join(folder, '9999_broken'));
  const broken = path.join(folder, '9999_broken', 'migration.sql');
  await writeFile(broken, 'CREATE TABLE half (n int); INSERT INTO nowhere VALUES (1);');
  await assert.rejects(migrate(url, folder), {
    code: 'DIPTYCH_DATABASE_UNAVAILABLE',
    message: /"9999_broken" fails, and nothing of it was kept: relation "nowhere" does not exist/,
  });
  assert.deepEqual(await noted(url), shipped);
  assert.ok(!(await tables(url)).includes('half'));

  await writeFile(broken, 'CREATE TABLE half (n int);');
  assert.deepEqual(await migrate(url, folder), ['9999_broken']);
  assert.ok((await tables(url)).includes('half'));
});

test('a server that does not answer is named as the problem', async () => {
  await assert.rejects(migrate(`postgresql://nobody@127.0.0.1:${await freePort()}/nothing`), {
    code: 'DIPTYCH_DATABASE_UNAVAILABLE',
    message: /can't connect to the database: .*ECONNREFUSED/,
  });
});

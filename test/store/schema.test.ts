/** The migrations and prisma/schema.prisma describe the same database, except for the collation of img_id. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ensureSet, listAnnotations, upsertAnnotations } from '../../src/store/annotations.ts';
import { openStore, query, type Store } from '../../src/store/client.ts';
import { migrate } from '../../src/store/migrate.ts';
import { execute, useDatabase } from '../database.ts';
import { scene } from '../scenes.ts';

const SCHEMA_SQL = path.resolve(import.meta.dirname, '../../setup/schema-sql.ts');
const database = await useDatabase();

const STRUCTURE = {
  columns: `SELECT table_name, column_name, ordinal_position, column_default, is_nullable, udt_name,
      datetime_precision, numeric_precision, is_identity
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> '_prisma_migrations'
    ORDER BY table_name, ordinal_position`,
  constraints: `SELECT conrelid::regclass::text AS "table", conname, pg_get_constraintdef(oid) AS definition
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
      AND conrelid::regclass::text <> '_prisma_migrations' ORDER BY 1, 2`,
  indexes: `SELECT tablename, indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> '_prisma_migrations' ORDER BY 1, 2`,
  enums: `SELECT typname, enumlabel FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid
    ORDER BY typname, enumsortorder`,
  collations: `SELECT table_name, column_name, collation_name FROM information_schema.columns
    WHERE table_schema = 'public' AND collation_name IS NOT NULL`,
};

test('schema.prisma and the migrations lead to the same tables, keys, indexes and enums', async () => {
  const [migrated, described] = [await database.another('migrated'), await database.another('described')];
  await migrate(migrated);
  const { stdout: sql } = await promisify(execFile)(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    SCHEMA_SQL,
    database.url,
  ]);
  await execute(described, sql);
  for (const part of ['columns', 'constraints', 'indexes', 'enums'] as const) {
    const rows = await execute(migrated, STRUCTURE[part]);
    assert.ok(rows.length > 0, part);
    assert.deepEqual(rows, await execute(described, STRUCTURE[part]), part);
  }
  assert.deepEqual(await execute(migrated, STRUCTURE.collations), [
    { table_name: 'annotation', column_name: 'img_id', collation_name: 'C' },
  ]);
});

test('on a server of another locale annotations come in byte order, straight from the unique index', async () => {
  const url = await database.another(
    'locale',
    "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8'",
  );
  await migrate(url);
  const [{ order }] = (await execute(
    url,
    `SELECT string_agg(x, '' ORDER BY x) AS order FROM unnest('{a,B,b,A}'::text[]) x`,
  )) as [{ order: string }];
  assert.equal(order, 'aAbB', 'the locale of this database must sort otherwise than by bytes');

  const store = openStore(url);
  try {
    const { id } = await ensureSet(store, 'ordered');
    const ids = ['b', '10', 'Z', 'é', 'a', '9', '\u{1f600}', '\uffee', 'A', '_'];
    await upsertAnnotations(
      store,
      id,
      ids.map((imgId) => scene(imgId)),
    );
    const byBytes = [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const pages: string[] = [];
    for (let after = ''; ; after = pages.at(-1)!) {
      const page = await listAnnotations(store, id, after, 3);
      pages.push(...page.map(({ imgId }) => imgId));
      if (page.length < 3) break;
    }
    assert.deepEqual(pages, byBytes);

    const plan = await explain(store, (asked) => listAnnotations(asked, id, 'A', 3));
    assert.match(plan, /Index Scan using annotation_set_id_img_id_key/);
    assert.match(plan, /Index Cond: .*img_id > /);
    assert.doesNotMatch(plan, /Sort/);
  } finally {
    await store.$disconnect();
  }
});

/** The plan of the one statement that `ask` sends, with scans of the whole table priced out. */
async function explain(store: Store, ask: (store: Store) => Promise<unknown>): Promise<string> {
  let plan = '';
  const $queryRawUnsafe = (sql: string, ...values: unknown[]) =>
    store.$transaction(async (tx) => {
      await tx.$executeRawUnsafe('SET LOCAL enable_seqscan = off');
      const rows = await query<{ 'QUERY PLAN': string }>(tx, `EXPLAIN ${sql}`, ...values);
      plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      return [];
    });
  await ask({ $queryRawUnsafe } as unknown as Store);
  return plan;
}

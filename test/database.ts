/**
 * Databases for tests: every test file gets its own, copied in a moment from one migrated template. The server
 * behind them is started once per `npm test` (test/run.ts), or by a file that is run alone.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import pg from 'pg';
import type { PgBoss } from 'pg-boss';
import { openQueue } from '../src/jobs/queue.ts';
import { openStore, type Store } from '../src/store/client.ts';
import { migrate } from '../src/store/migrate.ts';
import { startEmbeddedPostgres } from '../src/store/postgres.ts';

/** URL of the shared server, set by test/run.ts for the files it starts. */
const SHARED = 'DIPTYCH_TEST_DATABASE';
const TEMPLATE = 'diptych_template';

export interface TestServer {
  url: string;
  /** Also removes its folder. */
  stop(): Promise<void>;
}

/** A folder that PostgreSQL's own user can reach when the tests run as root. */
export async function reachableFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'diptych-test-'));
  await chmod(folder, 0o755);
  return folder;
}

/** Starts a server that holds the template: all migrations, and the queue's tables. */
export async function startTestServer(): Promise<TestServer> {
  const home = await reachableFolder();
  const server = await startEmbeddedPostgres(home);
  const stop = async () => {
    await server.stop();
    for (const folder of [server.folder, home]) await rm(folder, { recursive: true, force: true });
  };
  try {
    // Tests kill processes, never the power.
    await execute(server.url, 'ALTER SYSTEM SET fsync = off', 'SELECT pg_reload_conf()');
    await execute(server.url, `CREATE DATABASE ${TEMPLATE}`);
    const template = urlOf(server.url, TEMPLATE);
    await migrate(template);
    const boss = await openQueue(template, false);
    await boss.stop({ graceful: false });
    return { url: server.url, stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

/** Statements on a connection of their own; rows of the last one. */
export async function execute(url: string, ...statements: string[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const sql of statements) rows = (await client.query(sql)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

function urlOf(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

export interface TestDatabase {
  url: string;
  store: Store;
  boss: PgBoss;
  /** Another database of this file: empty, or with the SQL words that say what it is like. */
  another(name: string, like?: string): Promise<string>;
  /** What to close before the database goes away, in order. */
  closing: (() => Promise<unknown>)[];
}

/** For the top of a test file: `const database = await useDatabase()`. It goes away with the file's last test. */
export async function useDatabase(): Promise<TestDatabase> {
  const own = process.env[SHARED] ? undefined : await startTestServer();
  const server = process.env[SHARED] ?? own!.url;
  const made: string[] = [];
  const closing: TestDatabase['closing'] = [];
  after(async () => {
    try {
      for (const close of closing) await close();
      for (const name of made) await execute(server, `DROP DATABASE ${name} WITH (FORCE)`);
    } finally {
      await own?.stop();
    }
  });

  async function another(name: string, like = 'TEMPLATE template0'): Promise<string> {
    const full = `test_${process.pid}_${name}`;
    await execute(server, `CREATE DATABASE ${full} ${like}`);
    made.push(full);
    return urlOf(server, full);
  }
  const url = await another('main', `TEMPLATE ${TEMPLATE}`);
  const store = openStore(url);
  const boss = await openQueue(url, false);
  closing.push(
    () => boss.stop({ graceful: false }),
    () => store.$disconnect(),
  );
  return { url, store, boss, another, closing };
}

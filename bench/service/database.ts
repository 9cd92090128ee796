/** What benches of the service stand on: a fresh embedded PostgreSQL, as the service starts it, and processes that work with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { migrate } from '../../src/store/migrate.ts';
import { startEmbeddedPostgres } from '../../src/store/postgres.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

export interface BenchDatabase {
  url: string;
  /** Of the store; gone in the end. */
  home: string;
  /** A folder where the database server reads and writes files. */
  serverFolder: string;
  client: pg.Client;
  /** Starts a script of the project on this database; it ends with the bench. `before`: what runs Node, such as taskset. */
  start(
    script: string,
    options?: { arguments?: readonly string[]; before?: readonly string[] },
  ): ChildProcess;
}

/** All that was started is ended and all that was written is removed when the work is done. */
export async function withDatabase<T>(work: (database: BenchDatabase) => Promise<T>): Promise<T> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'diptych-bench-'));
  // PostgreSQL's own user must get in where this runs as root.
  await chmod(home, 0o755);
  const server = await startEmbeddedPostgres(home);
  const client = new pg.Client({ connectionString: server.url });
  const children: ChildProcess[] = [];
  try {
    await migrate(server.url);
    await client.connect();
    return await work({
      url: server.url,
      home,
      serverFolder: path.join(server.folder, 'postgres'),
      client,
      start(script, { arguments: args = [], before = [] } = {}) {
        const node = [process.execPath, '--disable-warning=ExperimentalWarning'];
        const [command, ...rest] = [...before, ...node, path.join(ROOT, script), ...args];
        const child = spawn(command!, rest, {
          env: {
            ...process.env,
            ...{ DATABASE_URL: server.url, DIPTYCH_HOME: home, PORT: '0', HOST: '127.0.0.1' },
            DIPTYCH_LOG_LEVEL: 'error',
          },
          stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        });
        children.push(child);
        return child;
      },
    });
  } finally {
    await Promise.all(children.map(ended));
    await client.end();
    await server.stop();
    for (const folder of [home, server.folder]) await rm(folder, { recursive: true, force: true });
  }
}

/** Asks a process to end and waits until it has. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
}

/** The first message of a process. Rejects when it ends before. */
export async function firstMessage<T>(child: ChildProcess): Promise<T> {
  const exit = once(child, 'exit').then(() => {
    throw new Error(`${child.spawnargs.at(-1)} ended; what it said is above`);
  });
  exit.catch(() => {});
  const [message] = await Promise.race([once(child, 'message'), exit]);
  return message as T;
}

/** The API process: its URL and its process. */
export async function startApi(database: BenchDatabase): Promise<{ url: string; process: ChildProcess }> {
  const child = database.start('src/api/server.ts');
  const { url } = await firstMessage<{ url: string }>(child);
  return { url, process: child };
}

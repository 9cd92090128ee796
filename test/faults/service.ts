/** `npm start` as a process with all its children, started again when it dies, as systemd would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { freePort, startEmbeddedPostgres } from '../../src/store/postgres.ts';
import { execute, reachableFolder } from '../database.ts';
import { isRunning, startedIn } from '../service/processes.ts';
import { until } from '../wait.ts';
import type { Killed } from './schedule.ts';

const MAIN = path.resolve(import.meta.dirname, '../../src/cli/main.ts');

/** Seconds that a part of a run, and a whole one that is struck again and again, may take on a busy machine. */
export const [SLOW, SLOW_RUN] = [300, 1800];

export interface WatchedService {
  home: string;
  /** Stays what it is. */
  url: string;
  log: string[];
  /** Ids of the living processes of that name. */
  pids(what: Killed): number[];
  databaseUrl(): string;
  /** Rows of one statement, past the service; rejects while the database is away. */
  ask<Row>(sql: string): Promise<Row[]>;
  /** Whether the API answers that it is ready. */
  isReady(): Promise<boolean>;
  /** Also removes its folders. */
  stop(): Promise<void>;
}

/** Resolves when it is ready. `env` comes on top of this process's own. */
export async function startWatched(env: NodeJS.ProcessEnv = {}, home?: string): Promise<WatchedService> {
  const where = home ?? (await reachableFolder());
  const url = `http://127.0.0.1:${await freePort()}`;
  const log: string[] = [];
  let child: ChildProcess;
  let stopping = false;

  function start(): void {
    child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, 'start'], {
      env: { ...process.env, DATABASE_URL: '', ...env, DIPTYCH_HOME: where, PORT: new URL(url).port },
      // With a channel, whose end it notices when this process is killed.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const one = child;
    log.push(`service: started as process ${one.pid}`);
    let rest = '';
    one.stderr!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      log.push(...lines);
    });
    one.once('exit', (code, signal) => {
      log.push(`service: ended (${signal ?? `code ${code}`}), starting it again`);
      if (!stopping) setTimeout(start, 500);
    });
  }
  start();

  const isReady = () =>
    fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  await until('the service is ready', isReady, SLOW).catch((thrown) => {
    throw new Error(`${thrown.message}; its log:\n${log.join('\n')}`);
  });
  // The server runs already: this only tells where.
  const cluster = env.DATABASE_URL ? undefined : await startEmbeddedPostgres(where);
  const pidFile = cluster && path.join(cluster.folder, 'postgres', 'data', 'postmaster.pid');
  /** It starts on another port where it died together with the service. */
  const databaseUrl = () => {
    if (!cluster) return env.DATABASE_URL!;
    const now = new URL(cluster.url);
    now.port = readFileSync(pidFile!, 'utf8').split('\n')[3]!;
    return now.href;
  };

  return {
    ...{ home: where, url, log, isReady, databaseUrl },
    pids(what) {
      if (what === 'postgres') return [Number(readFileSync(pidFile!, 'utf8').split('\n')[0])];
      const own = log.filter((line) => line.startsWith(`${what}: `)).join('\n');
      return startedIn(own).filter(isRunning);
    },
    ask: async (sql) => (await execute(databaseUrl(), sql)) as never,
    async stop() {
      stopping = true;
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit');
        child.kill('SIGTERM');
        await exited;
      }
      for (const folder of [where, ...(cluster ? [cluster.folder] : [])])
        await rm(folder, { recursive: true, force: true });
    },
  };
}

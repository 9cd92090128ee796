/**
 * The whole service on one machine: embedded PostgreSQL (or DATABASE_URL), the API, and the worker
 * processes. A child that dies is started again, and so is the embedded server; what it was doing is picked up by its
 * lease.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { threadsEach } from '../engine/threads.ts';
import { asError, DiptychError } from '../errors.ts';
import { NO_USE } from '../process-end.ts';
import { openDatabase } from '../store/database.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const RESTART_DELAY_MS = 500;
/** Between looks at whether the database lives. */
const DATABASE_WATCH_MS = 500;
/** Not this process's own flags: one that was started with -e would start itself again and again. */
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning'];

/**
 * Two generate workers with half of the cores each make more images than one with all: a small model's operations
 * are too short to keep many threads busy.
 */
const GENERATE_WORKERS = Math.min(2, os.availableParallelism());
const GENERATE_THREADS = Math.floor(os.availableParallelism() / GENERATE_WORKERS);

export interface Service {
  /** Where the API listens, for example http://127.0.0.1:41234. */
  url: string;
  stop(): Promise<void>;
}

export interface ServiceOptions {
  /** Folder of the database, blobs, runs and exports. */
  home: string;
  /** Called with every line a child prints on stderr, and with starts and restarts. */
  log(line: string): void;
}

/** Starts everything and resolves once the API answers. */
export async function startService({ home, log }: ServiceOptions): Promise<Service> {
  const database = await openDatabase({ home });
  const env: NodeJS.ProcessEnv = { ...process.env, DIPTYCH_HOME: home, DATABASE_URL: database.url };
  const children = new Set<ChildProcess>();
  let stopping = false;
  const watching = watchDatabase();

  /** Ends when the service stops. */
  async function watchDatabase(): Promise<void> {
    while (!stopping) {
      const revived = await database.revive().catch((thrown) => {
        log(`postgres: can't be started again yet: ${asError(thrown).message}`);
      });
      if (revived) log('postgres: ended, and was started again');
      await new Promise((resolve) => setTimeout(resolve, DATABASE_WATCH_MS));
    }
  }

  function keepRunning(
    script: string,
    own: NodeJS.ProcessEnv = {},
    onStart?: (child: ChildProcess) => void,
    onRefusal?: (why: string) => void,
  ): void {
    const child = spawn(process.execPath, [...NODE_FLAGS, path.join(ROOT, script)], {
      env: { ...own, ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    children.add(child);
    const name = path.basename(script, '.ts');
    log(`${name}: started as process ${child.pid}`);
    let rest = '';
    let last = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      // Lines of JSON say themselves whose they are.
      for (const line of lines) log(line.startsWith('{') ? line : `${name}: ${line}`);
      last = lines.at(-1) ?? last;
    });
    child.on('exit', (code, signal) => {
      children.delete(child);
      if (stopping) return;
      if (code === NO_USE) {
        log(`${name}: ended, and is not started again: ${last}`);
        return onRefusal?.(last);
      }
      log(`${name}: ended (${signal ?? `code ${code}`}), starting it again`);
      setTimeout(() => !stopping && keepRunning(script, own, onStart, onRefusal), RESTART_DELAY_MS);
    });
    onStart?.(child);
  }

  const url = await new Promise<string>((resolve, reject) => {
    const refused = (why: string) => reject(new DiptychError('DIPTYCH_INVALID_INPUT', why));
    const started = (child: ChildProcess) =>
      child.on('message', (message) => {
        const { url: answered } = message as { url: string };
        // Started again, the API listens where its clients know it.
        env.PORT = new URL(answered).port;
        resolve(answered);
      });
    keepRunning('src/api/server.ts', {}, started, refused);
  }).catch(async (thrown) => {
    stopping = true;
    await watching;
    await database.stop();
    throw thrown;
  });
  for (let i = 0; i < GENERATE_WORKERS; i++) {
    keepRunning('workers/generate.ts', threadsEach(GENERATE_THREADS));
  }
  keepRunning('workers/score.ts');
  keepRunning('workers/train.ts');

  return {
    url,
    async stop() {
      stopping = true;
      await Promise.all([...children].map(stopChild));
      await watching;
      await database.stop();
    },
  };
}

/** Asks a child to finish or hand back its work, and ends it when it takes too long. */
function stopChild(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const impatience = setTimeout(() => child.kill('SIGKILL'), 10_000);
    child.once('exit', () => {
      clearTimeout(impatience);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

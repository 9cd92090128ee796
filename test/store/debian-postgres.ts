/** A PostgreSQL server with all its programs, from Debian's package, in a folder of its own on a free port of the loopback. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chown, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../src/store/postgres.ts';
import { reachableFolder } from '../database.ts';

const VERSIONS = '/usr/lib/postgresql';
const newest = existsSync(VERSIONS)
  ? readdirSync(VERSIONS)
      .sort((a, b) => Number(a) - Number(b))
      .at(-1)
  : undefined;
const BIN = path.join(VERSIONS, newest ?? '', 'bin');

/** Why tests of it are skipped; false where they run. */
export const NO_DEBIAN_POSTGRES = existsSync(path.join(BIN, 'pg_dump'))
  ? false
  : "Debian's package postgresql is not installed";

/** Debian's nobody and nogroup: PostgreSQL refuses to run as root. */
const OWNER = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined;

export interface DebianPostgres {
  /** Its own, which all its programs may write to. */
  folder: string;
  /** URL of a new empty database. */
  database(name: string): Promise<string>;
  /** Runs one of its programs, such as pg_dump. */
  program(name: string, ...args: string[]): Promise<void>;
  stop(): Promise<void>;
}

export async function startDebianPostgres(): Promise<DebianPostgres> {
  const folder = await reachableFolder();
  if (OWNER) await chown(folder, OWNER.uid, OWNER.gid);
  const program = async (name: string, ...args: string[]) => {
    await promisify(execFile)(path.join(BIN, name), args, { ...OWNER, cwd: folder });
  };
  const data = path.join(folder, 'data');
  const port = await freePort();
  const urlOf = (name: string) => `postgresql://diptych@127.0.0.1:${port}/${name}`;
  await program('initdb', '-D', data, '-U', 'diptych', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8');
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off`;
  await program('pg_ctl', 'start', '-D', data, '-w', '-l', path.join(folder, 'log'), '-o', options);
  return {
    folder,
    async database(name) {
      await program('createdb', '--maintenance-db', urlOf('postgres'), name);
      return urlOf(name);
    },
    program,
    async stop() {
      await program('pg_ctl', 'stop', '-D', data, '-m', 'immediate', '-w');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * A real S3 server for tests: Ceph's object gateway on a cluster of one monitor and one store in memory, from Debian's
 * radosgw, ceph-mon, ceph-osd and ceph-common. Nothing of it is left when it has stopped.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../src/store/postgres.ts';
import { until } from '../wait.ts';

const run = promisify(execFile);
const NEEDED = ['ceph', 'ceph-mon', 'ceph-osd', 'monmaptool', 'radosgw', 'radosgw-admin'];

/** The programs that are missing on this machine; empty: the server can be started. */
export const missingForRadosgw = NEEDED.filter((name) => !existsSync(`/usr/bin/${name}`));

export interface Radosgw {
  /** As the AWS tools read it. */
  environment: Record<string, string>;
  stop(): Promise<void>;
}

export async function startRadosgw(): Promise<Radosgw> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'diptych-radosgw-'));
  const [v2, v1, http] = await Promise.all([freePort(), freePort(), freePort()]);
  const fsid = randomUUID();
  const monitor = `[v2:127.0.0.1:${v2},v1:127.0.0.1:${v1}]`;
  const file = path.join(folder, 'ceph.conf');
  await writeFile(file, confOf(folder, fsid, monitor));
  for (const name of ['mon', 'osd', 'run', 'rgw']) await mkdir(path.join(folder, name));
  const conf = ['-c', file];
  const ceph = (...args: string[]) => run('ceph', [...conf, '--connect-timeout', '60', ...args]);
  const processes: ChildProcess[] = [];
  const start = (program: string, ...args: string[]) => {
    processes.push(spawn(program, [...conf, '-f', ...args], { stdio: 'ignore' }));
  };
  const stop = async () => {
    await Promise.all(
      processes.map(async (child) => {
        const ended = child.exitCode !== null || new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await ended;
      }),
    );
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const map = path.join(folder, 'monmap');
    await run('monmaptool', ['--create', '--fsid', fsid, '--addv', 'a', monitor, map]);
    await run('ceph-mon', [...conf, '--mkfs', '-i', 'a', '--monmap', map]);
    start('ceph-mon', '-i', 'a');
    const uuid = randomUUID();
    await ceph('osd', 'create', uuid);
    await run('ceph-osd', [...conf, '-i', '0', '--mkfs', '--osd-uuid', uuid]);
    start('ceph-osd', '-i', '0');
    await ceph('osd', 'crush', 'add', 'osd.0', '1.0', 'root=default', 'host=localhost');
    const keys = ['--access-key=key', '--secret-key=secret'];
    await run('radosgw-admin', [...conf, 'user', 'create', '--uid=t', '--display-name=t', ...keys]);
    const unmapped = ['--no-mon-config', '--ms-mon-client-mode', 'crc'];
    start('radosgw', '-n', 'client.admin', ...unmapped, `--rgw-frontends=beast endpoint=127.0.0.1:${http}`);
    const url = `http://127.0.0.1:${http}`;
    await until('the gateway answers', () =>
      fetch(url).then(
        ({ status }) => status < 500,
        () => false,
      ),
    );
    return {
      environment: {
        AWS_ENDPOINT_URL_S3: url,
        AWS_ACCESS_KEY_ID: 'key',
        AWS_SECRET_ACCESS_KEY: 'secret',
        AWS_REGION: 'us-east-1',
      },
      stop,
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

/** One copy of everything, in memory, without logins between its parts. */
const confOf = (folder: string, fsid: string, monitor: string) => `[global]
fsid = ${fsid}
mon host = ${monitor}
mon initial members = a
public addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
auth allow insecure global id reclaim = true
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 2
mon data avail warn = 3
osd objectstore = memstore
memstore device bytes = 536870912
mon data = ${folder}/mon
osd data = ${folder}/osd
rgw data = ${folder}/rgw
run dir = ${folder}/run
admin socket = ${folder}/run/$name.asok
pid file = ${folder}/run/$name.pid
log file = ${folder}/$name.log
`;

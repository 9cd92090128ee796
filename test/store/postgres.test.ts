import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/store/postgres.ts';
import { execute, reachableFolder } from '../database.ts';
import { until } from '../wait.ts';

const SOURCE = path.resolve(import.meta.dirname, '../../src/store/postgres.ts');
const home = await reachableFolder();
let folder = '';
let current: EmbeddedPostgres | undefined;

after(async () => {
  await current?.stop();
  for (const made of [folder, home]) if (made) await rm(made, { recursive: true, force: true });
});

const postmaster = () =>
  Number(readFileSync(path.join(folder, 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a server whose parent was killed goes on, and the next start adopts it', async () => {
  const program = `import { startEmbeddedPostgres } from ${JSON.stringify(SOURCE)};
    console.log(JSON.stringify(await startEmbeddedPostgres(${JSON.stringify(home)})));
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, [...process.execArgv, '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(parent, 'exit');
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const first = JSON.parse(line.toString()) as EmbeddedPostgres;
  folder = first.folder;
  await execute(first.url, 'CREATE TABLE kept (n int)', 'INSERT INTO kept VALUES (1)');
  const pid = postmaster();
  parent.kill('SIGKILL');
  await exited;

  current = await startEmbeddedPostgres(home);
  assert.equal(current.url, first.url);
  assert.equal(postmaster(), pid);
  assert.deepEqual(await execute(current.url, 'SELECT n FROM kept'), [{ n: 1 }]);
});

test('a server that was killed is started again at its address, with what was committed', async () => {
  assert.equal(await current!.revive(), false);
  const pid = postmaster();
  process.kill(pid, 'SIGKILL');
  await until('it is gone', () => !isRunning(pid));
  // What it left behind may take a moment to end.
  await until('it is back', () => current!.revive().catch(() => false));
  assert.notEqual(postmaster(), pid);
  assert.deepEqual(await execute(current!.url, 'SELECT n FROM kept'), [{ n: 1 }]);
});

test('a server that someone else still works with is not stopped', async () => {
  const guest = await startEmbeddedPostgres(home);
  assert.equal(guest.url, current!.url);
  const client = new pg.Client({ connectionString: current!.url });
  await client.connect();
  try {
    await guest.stop();
    assert.deepEqual((await client.query('SELECT n FROM kept')).rows, [{ n: 1 }]);
  } finally {
    await client.end();
  }
});

test('after kill -9 of the server the data is there at the next start', async () => {
  await execute(current!.url, 'INSERT INTO kept VALUES (2)');
  const pid = postmaster();
  process.kill(pid, 'SIGKILL');
  await until('the server is gone', () => !isRunning(pid));
  await current!.stop();

  current = await startEmbeddedPostgres(home);
  assert.notEqual(postmaster(), pid);
  assert.deepEqual(await execute(current.url, 'SELECT n FROM kept ORDER BY n'), [{ n: 1 }, { n: 2 }]);
});

test('stop ends the server, and its data is there at the next start', async () => {
  const pid = postmaster();
  await current!.stop();
  await until('the server is gone', () => !isRunning(pid));
  await current!.stop();
  current = await startEmbeddedPostgres(home);
  assert.equal((await execute(current.url, 'SELECT n FROM kept')).length, 2);
});

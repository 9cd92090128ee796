/** A service as its operators see it: it refuses to be open to the world, ends in order, is backed up and restored. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { ensureSet, listAnnotations, upsertAnnotations } from '../../src/store/annotations.ts';
import { folderBlobs } from '../../src/store/blobs.ts';
import { openStore } from '../../src/store/client.ts';
import { openDatabase } from '../../src/store/database.ts';
import { diptych } from '../cli/run-command.ts';
import { execute, reachableFolder, useDatabase } from '../database.ts';
import { scenes } from '../scenes.ts';
import { temporaryFolder } from '../temporary.ts';
import { until } from '../wait.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const database = await useDatabase();

/** The API process by itself. */
function startApi(t: TestContext, url: string, home: string, env: NodeJS.ProcessEnv = {}) {
  const child: ChildProcess = fork(path.join(ROOT, 'src/api/server.ts'), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: { ...process.env, DATABASE_URL: url, DIPTYCH_HOME: home, DIPTYCH_LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const listening = once(child, 'message').then(([message]) => (message as { url: string }).url);
  return { child, listening, exited: once(child, 'exit'), said: () => said };
}

test('three processes that start at once on an empty database bring it up to date together', async (t) => {
  const url = await database.another('at_once');
  const home = await temporaryFolder(t);
  const apis = [1, 2, 3].map(() => startApi(t, url, home));
  for (const { listening } of apis) {
    const ready = await fetch(`${await listening}/readyz`);
    assert.deepEqual(await ready.json(), { status: 'ready', lacking: [] });
  }
  const [{ n }] = (await execute(
    url,
    'SELECT count(*)::int - count(DISTINCT migration_name)::int AS n FROM _prisma_migrations',
  )) as [{ n: number }];
  assert.equal(n, 0);
  for (const { child } of apis) child.kill('SIGTERM');
  assert.deepEqual(await Promise.all(apis.map(async ({ exited }) => (await exited)[0])), [0, 0, 0]);
});

test('it refuses to listen beyond this machine without a key, and says how to make one', async (t) => {
  const { exited, said } = startApi(t, database.url, await temporaryFolder(t), { HOST: '0.0.0.0' });
  assert.equal((await exited)[0], 78);
  assert.match(said(), /HOST is "0\.0\.0\.0".*keys create/);
});

test('with a key made at the command line it listens and lets that key in', async (t) => {
  const home = await temporaryFolder(t);
  process.env.DATABASE_URL = database.url;
  t.after(() => {
    delete process.env.DATABASE_URL;
  });
  const keys = (...args: string[]) => diptych('keys', ...args);
  const made = await keys('create', 'ops', '--scope', 'admin');
  assert.equal(made.code, 0, made.stderr);
  const [key, told] = made.stdout.split('\n') as [string, string];
  const { listening } = startApi(t, database.url, home, { HOST: '0.0.0.0' });
  const port = new URL(await listening).port;
  const ask = async (headers = {}) => (await fetch(`http://127.0.0.1:${port}/v1/runs`, { headers })).status;
  assert.deepEqual([await ask(), await ask({ authorization: `Bearer ${key}` })], [401, 200]);
  const [id] = /[0-9a-f-]{36}/.exec(told)!;
  const lines = (await keys('list')).stdout.split('\n');
  assert.ok(lines.some((line) => line.includes(id) && line.includes('ops') && !line.includes(key)));
  assert.equal((await keys('revoke', id)).code, 0);
  assert.equal(await ask({ authorization: `Bearer ${key}` }), 401);
  for (const [code, ...wrong] of [
    [1, 'rotate', id],
    [1, 'revoke', 'x'],
    [2, 'create'],
    [2, 'create', 'x', '--scope', 'root'],
  ] as const)
    assert.equal((await keys(...wrong)).code, code, wrong.join(' '));
  await execute(database.url, 'DELETE FROM api_key');
});

test('asked to end, it finishes what it reads, takes nothing new, and ends the logs that are followed', async (t) => {
  const { child, listening, exited, said } = startApi(t, database.url, await temporaryFolder(t));
  const at = new URL(await listening);
  const request = http.request(new URL('/v1/annotation-sets/ending/annotations', at), { method: 'POST' });
  const answer = once(request, 'response') as Promise<[http.IncomingMessage]>;
  const [first, ...rest] = scenes(3).map((scene) => `${JSON.stringify(scene)}\n`);
  request.write(first);
  await until(
    'the body is being read',
    async () => (await execute(database.url, `SELECT FROM annotation_set WHERE name = 'ending'`)).length,
  );
  child.kill('SIGTERM');
  await until('it listens no more', () =>
    fetch(new URL('/healthz', at)).then(
      () => false,
      () => true,
    ),
  );
  request.end(rest.join(''));
  const [response] = await answer;
  assert.equal(response.statusCode, 200);
  response.resume();
  assert.equal((await exited)[0], 0);
  for (const line of said().trim().split('\n')) assert.equal(typeof JSON.parse(line).level, 'string', line);
});

test('a client that never finishes does not keep it from ending', async (t) => {
  const { child, listening, exited } = startApi(t, database.url, await temporaryFolder(t));
  const request = http.request(new URL('/v1/annotation-sets/stuck/annotations', await listening), {
    method: 'POST',
  });
  request.on('error', () => {});
  request.write('\n');
  await until(
    'the body is being read',
    async () => (await execute(database.url, `SELECT FROM annotation_set WHERE name = 'stuck'`)).length,
  );
  child.kill('SIGTERM');
  assert.equal((await exited)[0], 1);
});

test('a copy of the folder of a stopped service is the whole service', async (t) => {
  const [home, copy] = [await reachableFolder(), await reachableFolder()];
  const places: string[] = [home, copy];
  t.after(() => Promise.all(places.map((folder) => rm(folder, { recursive: true, force: true }))));
  const database_ = await openDatabase({ home });
  const store = openStore(database_.url);
  const set = await ensureSet(store, 'kept');
  await upsertAnnotations(store, set.id, scenes(7));
  const sha256 = await folderBlobs(path.join(home, 'blobs')).put(Buffer.from('an image'));
  await store.$disconnect();
  await database_.stop();

  // As docs/operations.md says: owners and modes too, which PostgreSQL looks at.
  await promisify(execFile)('cp', ['-a', `${home}/.`, copy]);
  await rm(home, { recursive: true });
  const restored = await openDatabase({ home: copy });
  try {
    const again = openStore(restored.url);
    const { id } = await ensureSet(again, 'kept');
    assert.equal((await listAnnotations(again, id, '', 100)).length, 7);
    await again.$disconnect();
  } finally {
    await restored.stop();
  }
  assert.equal(String(await folderBlobs(path.join(copy, 'blobs')).get(sha256)), 'an image');
});

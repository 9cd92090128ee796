/** Imports that are killed, overtaken and cancelled: the store has all of one, once, or nothing. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { commitTask } from '../../src/jobs/tasks.ts';
import { importTask } from '../../workers/score/import.ts';
import { claim } from '../jobs/plans.ts';
import { writePickapic } from './made-up-pickapic.ts';
import { useImportService } from './service.ts';

const service = await useImportService();
const { store, boss, folder, url, send, working, ended, importsFolder, tools } = service;
const ROWS = 70;
const file = path.join(folder, 'train.parquet');
await writePickapic(file, ROWS);

const ask = async (annotationSet: string) =>
  (await send('POST', '/v1/imports', { as: 'pickapic', annotationSet, path: file })).body.id;
const assertNoSet = async (name: string) => {
  assert.equal((await send('GET', `/v1/annotation-sets/${name}/annotations`)).status, 404);
  const { items } = (await send('GET', '/v1/annotation-sets')).body;
  assert.ok(!items.some((set) => set.name === name));
};
const candidatesOf = (runId: string) => store.candidate.count({ where: { runId } });

test('a worker killed while it reads: nothing is there, and the next attempt has all of it once', async (t) => {
  const id = await ask('killed');
  const task = await store.task.findFirstOrThrow({ where: { runId: id } });
  const child = fork(
    path.join(import.meta.dirname, 'import-child.ts'),
    [task.id, `${folder}/blobs`, importsFolder],
    { env: { ...process.env, DATABASE_URL: url }, execArgv: ['--disable-warning=ExperimentalWarning'] },
  );
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'message');
  child.kill('SIGKILL');
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
  assert.deepEqual(await readdir(path.join(importsFolder, id)), ['1']);
  assert.deepEqual([await candidatesOf(id), await store.annotation.count()], [0, 0]);
  assert.deepEqual(await readdir(`${folder}/blobs`).catch(() => []), []);
  await assertNoSet('killed');

  const run = await working(() => ended(id));
  assert.deepEqual([run.status, run.error], ['succeeded', null]);
  assert.equal(await candidatesOf(id), 2 * ROWS);
  assert.deepEqual(await readdir(importsFolder), []);
  const set = await store.annotationSet.findUniqueOrThrow({ where: { name: 'killed' } });
  assert.equal(set.count, ROWS);
});

test('a stale attempt that comes to its end changes nothing, wherever it was overtaken', async () => {
  const id = await ask('stale');
  const stale = await claim(store, id, 0, 0);
  const context = { signal: new AbortController().signal, progress() {} };
  const write = await importTask(tools)({ task: stale, ...context });
  const newer = await claim(store, id, 0, 0);
  await assert.rejects(commitTask(store, boss, stale, write), { code: 'DIPTYCH_STALE_ATTEMPT' });
  assert.equal(await candidatesOf(id), 0);
  await assertNoSet('stale');
  await commitTask(store, boss, newer, await importTask(tools)({ task: newer, ...context }));
  assert.equal((await ended(id)).status, 'succeeded');
  await assert.rejects(commitTask(store, boss, stale, write), { code: 'DIPTYCH_STALE_ATTEMPT' });
  assert.equal(await candidatesOf(id), 2 * ROWS);
  assert.deepEqual(await readdir(importsFolder), []);
});

test('a commit that fails on the way leaves nothing, and the next attempt reads all of it again', async () => {
  const id = await ask('torn');
  const task = await claim(store, id, 0, 0);
  const context = { signal: new AbortController().signal, progress() {} };
  const write = await importTask(tools)({ task, ...context });
  await assert.rejects(
    commitTask(store, boss, task, async (tx) => {
      await write(tx);
      throw new Error('the power went out');
    }),
    /the power went out/,
  );
  assert.equal(await candidatesOf(id), 0);
  const set = await store.annotationSet.findUniqueOrThrow({ where: { name: 'torn' } });
  assert.equal(set.count, 0);
  await working(() => ended(id));
  assert.equal(await candidatesOf(id), 2 * ROWS);
});

test('one that is cancelled ends without a trace', async () => {
  const id = await ask('cancelled');
  const task = await claim(store, id, 0, 0);
  await send('POST', `/v1/runs/${id}/cancel`);
  const cancelled = new AbortController();
  cancelled.abort(new Error('cancelled'));
  const attempt = importTask(tools)({ task, signal: cancelled.signal, progress() {} });
  await assert.rejects(attempt, /cancelled/);
  assert.deepEqual([await candidatesOf(id), await readdir(importsFolder)], [0, []]);
  await assertNoSet('cancelled');
});

/** What those who watch the service are told. */
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { cancelRun } from '../../src/jobs/runs.ts';
import { commitTask } from '../../src/jobs/tasks.ts';
import { execute } from '../database.ts';
import { claim, newRun } from '../jobs/plans.ts';
import { until } from '../wait.ts';
import { useApp } from './app.ts';

const { app, store, boss, send, folder, url } = await useApp();

test('a service with a database of this version and a folder to write to is ready', async () => {
  assert.deepEqual((await send('GET', '/healthz')).body as unknown, { status: 'ok' });
  const { status, body } = await send('GET', '/readyz');
  assert.deepEqual([status, body as unknown], [200, { status: 'ready', lacking: [] }]);
});

test('it is not ready while a migration is missing, and alive all the same', async () => {
  await execute(url, `UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '0001_first'`);
  const { status, body } = await send('GET', '/readyz');
  assert.deepEqual([status, body.lacking], [503, ['migrations']]);
  assert.equal((await send('GET', '/healthz')).status, 200);
  await execute(url, 'UPDATE _prisma_migrations SET finished_at = now()');
  assert.equal((await send('GET', '/readyz')).status, 200);
});

test('it is not ready while images can not be written', async () => {
  const blobs = path.join(folder, 'blobs');
  await rm(blobs, { recursive: true });
  await writeFile(blobs, 'a file where the folder should be');
  assert.deepEqual((await send('GET', '/readyz')).body.lacking, ['blobs']);
  await rm(blobs);
  assert.equal((await send('GET', '/readyz')).status, 200);
});

test('metrics tell runs, stages, the queue and answers', async () => {
  const value = async (line: string) => {
    const { payload } = await app.inject({ method: 'GET', url: '/metrics' });
    const found = payload.split('\n').find((each) => each.startsWith(`${line} `));
    return found === undefined ? undefined : Number(found.split(' ').at(-1));
  };
  const run = await newRun(store, boss);
  assert.equal(await value('diptych_runs{status="running"}'), 1);
  assert.equal(await value('diptych_runs{status="failed"}'), 0);
  assert.equal(await value('diptych_stage_units{stage="first",state="planned"}'), 5);
  await commitTask(store, boss, await claim(store, run, 0, 0), async () => {});
  assert.equal(await value('diptych_stage_units{stage="first",state="done"}'), 3);
  await commitTask(store, boss, await claim(store, run, 0, 1), async () => {});
  assert.ok((await value('diptych_stage_seconds_per_unit{stage="first"}'))! >= 0);
  await cancelRun(store, run);
  assert.equal(await value('diptych_runs{status="cancelled"}'), 1);
  assert.notEqual(await value('diptych_queue_jobs{worker="train",state="waiting"}'), undefined);
  assert.equal(await value('diptych_webhook_deliveries'), 0);
  await until(
    'answers are counted by route',
    async () =>
      ((await value('diptych_http_request_seconds_count{method="GET",route="/metrics",status="200"}')) ?? 0) >
      3,
  );
});

/** Runs that share the workers, over HTTP: pause, resume, priority, dead letters, worker processes. */
import assert from 'node:assert/strict';
import os from 'node:os';
import { test } from 'node:test';
import { buryTask } from '../../src/jobs/dead-letters.ts';
import { openQueue } from '../../src/jobs/queue.ts';
import { failTask } from '../../src/jobs/tasks.ts';
import { ensureSet, upsertAnnotations } from '../../src/store/annotations.ts';
import { claim, failureOf, newRun } from '../jobs/plans.ts';
import { scenes } from '../scenes.ts';
import { until } from '../wait.ts';
import { useApp } from './app.ts';

const { store, boss, send, url } = await useApp();
const UNKNOWN = '00000000-0000-4000-8000-000000000000';

test('a run is paused and resumed, and says which it is', async () => {
  const id = await newRun(store, boss);
  const paused = await send('POST', `/v1/runs/${id}/pause`);
  assert.deepEqual([paused.status, paused.body.status, paused.body.secondsLeft], [200, 'paused', null]);
  const again = await send('POST', `/v1/runs/${id}/pause`);
  assert.deepEqual(
    [again.status, again.body.error],
    [409, { code: 'DIPTYCH_CONFLICT', message: `run ${id} is paused; only a running one can be paused` }],
  );
  const resumed = await send('POST', `/v1/runs/${id}/resume`);
  assert.deepEqual([resumed.status, resumed.body.status], [200, 'running']);
  assert.ok((resumed.body.secondsLeft as number) > 0);
  assert.equal((await send('POST', `/v1/runs/${id}/resume`)).status, 409);
  for (const action of ['pause', 'resume'])
    assert.equal((await send('POST', `/v1/runs/${UNKNOWN}/${action}`)).status, 404);
  await send('POST', `/v1/runs/${id}/cancel`);
});

test('a priority is asked for with the run and changed later; another word is quoted', async () => {
  await upsertAnnotations(store, (await ensureSet(store, 'shapes')).id, scenes(4));
  const asked = { kind: 'curate', annotationSet: 'shapes' };
  assert.equal((await send('POST', '/v1/runs', asked)).body.priority, 'normal');
  const { body } = await send('POST', '/v1/runs', { ...asked, priority: 'low' });
  assert.equal(body.priority, 'low');
  const changed = await send('POST', `/v1/runs/${body.id}/priority`, { priority: 'high' });
  assert.deepEqual([changed.status, changed.body.priority], [200, 'high']);
  const wrong = await send('POST', `/v1/runs/${body.id}/priority`, { priority: 'urgent' });
  assert.equal(wrong.status, 400);
  assert.match(wrong.body.error.message, /priority is "urgent"/);
  await send('POST', `/v1/runs/${body.id}/cancel`);
  assert.equal((await send('POST', `/v1/runs/${body.id}/priority`, { priority: 'low' })).status, 409);
  assert.equal((await send('POST', `/v1/runs/${UNKNOWN}/priority`, { priority: 'low' })).status, 404);
});

test('dead letters of all runs come in pages with their reasons, and are tried again one by one', async () => {
  const id = await newRun(store, boss);
  const { reason: _, ...lost } = await failureOf(store, 0, '');
  const poison = await claim(store, id, 0, 0);
  await buryTask(store, boss, poison, [lost], 'its workers died');
  const broken = await claim(store, id, 0, 1);
  await failTask(store, broken, 'no such model');
  const first = await send('GET', '/v1/dead-letters?limit=1');
  const { at, ...letter } = first.body.items[0]!;
  assert.deepEqual(letter, {
    ...{ id: broken.id, runId: id, stage: 'first', units: 2, attempts: 1, reason: 'no such model', lost: [] },
  });
  assert.ok(Math.abs(Date.parse(at as string) - Date.now()) < 60_000);
  const second = await send('GET', `/v1/dead-letters?limit=1&cursor=${first.body.next}`);
  assert.deepEqual([second.body.items[0]!.id, second.body.items[0]!.lost], [poison.id, ['failing']]);
  assert.equal((await send('GET', '/v1/dead-letters?cursor=bm8')).status, 400);

  assert.equal((await send('POST', `/v1/dead-letters/${broken.id}/retry`)).status, 204);
  assert.equal((await send('POST', `/v1/dead-letters/${broken.id}/retry`)).status, 404);
  const { body } = await send('GET', `/v1/runs/${id}`);
  assert.equal(body.status, 'running');
  assert.deepEqual(
    (await send('GET', '/v1/dead-letters')).body.items.map((one) => one.id),
    [poison.id],
  );
  await send('POST', `/v1/runs/${id}/cancel`);
  assert.equal((await send('POST', `/v1/dead-letters/${poison.id}/retry`)).status, 409);
});

test('worker processes are listed with what they are at; one that ended in order is not', async () => {
  const worker = await openQueue(url, false, 'train');
  const id = await newRun(store, boss);
  const list = async () => (await send('GET', '/v1/workers')).body.items;
  const [idle, ...others] = await until('the worker is there', async () => {
    const items = await list();
    return items.length > 0 && items;
  });
  const { startedAt, seenAt, memory, ...shown } = idle!;
  assert.deepEqual(others, []);
  assert.deepEqual(shown, {
    worker: 'train',
    host: os.hostname(),
    pid: process.pid,
    state: 'idle',
    task: null,
  });
  assert.ok(Date.parse(seenAt as string) >= Date.parse(startedAt as string));
  assert.ok(memory === null || (memory as number) > 1e6);
  await claim(store, id, 0, 0);
  const [busy] = await list();
  assert.deepEqual(
    [busy!.state, busy!.task],
    ['working', { runId: id, stage: 'first', progress: 0, attempt: 1 }],
  );
  await boss
    .getDb()
    .executeSql(`UPDATE pgboss.instance SET heartbeat_on = now() - interval '1 minute' WHERE name = 'train'`);
  const [quiet] = await list();
  assert.deepEqual([quiet!.state, quiet!.task], ['quiet', null]);
  await worker.stop({ graceful: false });
  assert.deepEqual(await list(), []);
});

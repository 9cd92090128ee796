import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PgBoss } from 'pg-boss';
import { cancelRun, createRun, getRun, listRuns, retryRun } from '../../src/jobs/runs.ts';
import { commitTask, failTask } from '../../src/jobs/tasks.ts';
import { useDatabase } from '../database.ts';
import { claim, eventTypes, newRun, planOf, snapshot } from './plans.ts';

const { store, boss } = await useDatabase();
const nothing = async () => {};

test('a run is made with its stages, tasks and jobs, or not at all', async () => {
  const before = await snapshot(store);
  const broken = await planOf(store, { first: [2], second: [1, 1] });
  broken.stages[1]!.tasks[1]!.units = 0.5;
  await assert.rejects(createRun(store, boss, broken), /invalid input syntax for type integer/);
  assert.deepEqual(await snapshot(store), before);

  const noQueue = { insert: () => Promise.reject(new Error('the queue is away')) } as unknown as PgBoss;
  await assert.rejects(createRun(store, noQueue, await planOf(store, { first: [2] })), /the queue is away/);
  assert.deepEqual(await snapshot(store), before);

  const id = await createRun(store, boss, await planOf(store, { first: [2, 3], second: [1] }));
  const { stages, ...run } = await getRun(store, id);
  assert.deepEqual(
    [run.kind, run.annotationSet, run.settings, run.error],
    ['curate', 'jobs', { any: 'settings' }, null],
  );
  assert.deepEqual(
    stages.map(({ name, total, done, failed, fraction }) => [name, total, done, failed, fraction]),
    [
      ['first', 5, 0, 0, 0],
      ['second', 1, 0, 0, 0],
    ],
  );
});

test('the end is estimated from the plan’s guess at first, and from what such stages took once one has run', async () => {
  const plan = await planOf(store, { 'never seen': [10] });
  const id = await createRun(store, boss, plan);
  assert.equal((await getRun(store, id)).secondsLeft, 20);
  await commitTask(store, boss, await claim(store, id, 0, 0), nothing);
  await store.stage.updateMany({
    where: { runId: id },
    data: { startedAt: new Date('2026-01-01T00:00:00Z'), finishedAt: new Date('2026-01-01T00:01:00Z') },
  });
  const next = await createRun(store, boss, await planOf(store, { 'never seen': [5] }));
  assert.equal((await getRun(store, next)).secondsLeft, 30);
});

test('cancelling drops what waits and what runs, and is no longer possible afterwards', async () => {
  const id = await newRun(store, boss);
  const running = await claim(store, id, 0, 0);
  await cancelRun(store, id);
  const run = await getRun(store, id);
  assert.equal(run.status, 'cancelled');
  assert.ok(run.finishedAt);
  const tasks = await store.task.findMany({ where: { runId: id } });
  assert.deepEqual(
    tasks.map(({ status }) => status),
    ['cancelled', 'cancelled', 'cancelled'],
  );
  const before = await snapshot(store);
  const stale = { code: 'DIPTYCH_STALE_ATTEMPT' };
  await assert.rejects(commitTask(store, boss, running, nothing), stale);
  await assert.rejects(failTask(store, running, 'late'), stale);
  for (const act of [() => cancelRun(store, id), () => retryRun(store, boss, id)]) {
    await assert.rejects(act(), { code: 'DIPTYCH_CONFLICT', message: new RegExp(`run ${id} is cancelled`) });
  }
  assert.deepEqual(await snapshot(store), before);
});

test('a finished stage stays finished when its run is cancelled', async () => {
  const id = await createRun(store, boss, await planOf(store, { first: [1], second: [1] }));
  await commitTask(store, boss, await claim(store, id, 0, 0), nothing);
  await cancelRun(store, id);
  const { stages } = await getRun(store, id);
  assert.deepEqual(
    stages.map(({ status, done }) => [status, done]),
    [
      ['succeeded', 1],
      ['cancelled', 0],
    ],
  );
});

test('a retry does the failed tasks again and no others, and the run can still succeed', async () => {
  const id = await newRun(store, boss);
  const done = await claim(store, id, 0, 1);
  await commitTask(store, boss, done, nothing);
  const task = await claim(store, id, 0, 0);
  await assert.rejects(retryRun(store, boss, id), {
    code: 'DIPTYCH_CONFLICT',
    message: /is running; only a failed/,
  });
  await failTask(store, task, 'out of luck');
  assert.equal((await getRun(store, id)).status, 'failed');

  await retryRun(store, boss, id);
  const retried = await getRun(store, id);
  assert.deepEqual([retried.status, retried.error, retried.finishedAt], ['running', null, null]);
  assert.deepEqual([retried.stages[0]!.failed, retried.stages[0]!.done], [0, 2]);
  await assert.rejects(claim(store, id, 0, 1), /can't be claimed/);
  const again = await claim(store, id, 0, 0);
  assert.equal(again.attempt, 2);
  await commitTask(store, boss, again, nothing);
  await commitTask(store, boss, await claim(store, id, 1, 0), nothing);
  assert.equal((await getRun(store, id)).status, 'succeeded');
  const types = await eventTypes(store, id);
  assert.deepEqual(types.slice(2), [
    'task-failed',
    'run-failed',
    'run-retried',
    'stage-succeeded',
    'stage-started',
    'stage-succeeded',
    'run-succeeded',
  ]);
});

test('two retries at once put the failed tasks back once', async () => {
  const id = await createRun(store, boss, await planOf(store, { first: [1] }));
  await failTask(store, await claim(store, id, 0, 0), 'out of luck');
  const results = await Promise.allSettled([retryRun(store, boss, id), retryRun(store, boss, id)]);
  assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  assert.equal((await eventTypes(store, id)).filter((type) => type === 'run-retried').length, 1);
});

test('runs are listed newest first, a page at a time; an unknown run is not found', async () => {
  const ids = [await newRun(store, boss), await newRun(store, boss), await newRun(store, boss)].reverse();
  const first = await listRuns(store, null, 2);
  const second = await listRuns(store, first[1]!.id, 1);
  assert.deepEqual(
    [...first, ...second].map(({ id }) => id),
    ids,
  );
  const unknown = '00000000-0000-4000-8000-000000000000';
  // One after the other: a promise that fails while another is awaited counts as unhandled.
  for (const act of [
    () => getRun(store, unknown),
    () => cancelRun(store, unknown),
    () => retryRun(store, boss, unknown),
  ]) {
    await assert.rejects(act, { code: 'DIPTYCH_NOT_FOUND', message: `there is no run ${unknown}` });
  }
});

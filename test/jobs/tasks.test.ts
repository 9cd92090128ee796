import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cancelRun, createRun, getRun } from '../../src/jobs/runs.ts';
import {
  type ClaimedTask,
  claimTask,
  commitTask,
  failTask,
  releaseTask,
  reportProgress,
} from '../../src/jobs/tasks.ts';
import { query } from '../../src/store/client.ts';
import { useDatabase } from '../database.ts';
import { until } from '../wait.ts';
import { claim, eventTypes, newRun, planOf, snapshot, someoneWaits } from './plans.ts';

const { store, boss } = await useDatabase();
const nothing = async () => {};

test('a claim raises the attempt; waiting, finished and cancelled tasks are not to be had', async () => {
  const id = await newRun(store, boss);
  const first = await claim(store, id, 0, 0);
  assert.equal(first.attempt, 1);
  assert.deepEqual(first.payload, { stage: 'first', part: 0 });
  assert.equal((await claimTask(store, first.id))!.attempt, 2);
  await assert.rejects(claim(store, id, 1, 0), /can't be claimed/);
  const other = await claim(store, id, 0, 1);
  await commitTask(store, boss, other, nothing);
  assert.equal(await claimTask(store, other.id), null);
  await cancelRun(store, id);
  assert.equal(await claimTask(store, first.id), null);
});

const asStale = {
  code: 'DIPTYCH_STALE_ATTEMPT',
  message: /attempt 1 of task .* is no longer the current one/,
};
const changes: Record<string, (task: ClaimedTask) => Promise<void>> = {
  'reports progress': async (task) => assert.equal(await reportProgress(store, task, 0.5), 'lost'),
  commits: (task) =>
    assert.rejects(
      commitTask(store, boss, task, async (tx) => {
        await tx.artifact.create({
          data: { runId: task.runId, name: 'stale', path: '/', bytes: 1n, sha256: '' },
        });
      }),
      asStale,
    ),
  fails: (task) => assert.rejects(failTask(store, task, 'stale'), asStale),
  'is put back': (task) => assert.rejects(releaseTask(store, boss, task, task.id), asStale),
};
for (const [what, change] of Object.entries(changes)) {
  test(`a stale attempt that ${what} changes no row`, async () => {
    const id = await newRun(store, boss);
    const stale = await claim(store, id, 0, 0);
    const current = await claim(store, id, 0, 0);
    await reportProgress(store, current, 0.25);
    const before = await snapshot(store);
    await change(stale);
    assert.deepEqual(await snapshot(store), before);

    // Nor after the newer attempt has finished, nor after a cancellation.
    await commitTask(store, boss, current, nothing);
    const committed = await snapshot(store);
    await change(stale);
    assert.deepEqual(await snapshot(store), committed);
    await cancelRun(store, id);
    const cancelled = await snapshot(store);
    await change(stale);
    assert.deepEqual(await snapshot(store), cancelled);
  });
}

test('a commit whose results cannot be written changes nothing, and can be tried again', async () => {
  const id = await newRun(store, boss);
  const task = await claim(store, id, 0, 0);
  const before = await snapshot(store);
  const write = async (tx: Parameters<Parameters<typeof commitTask>[3]>[0]) => {
    await tx.artifact.create({ data: { runId: id, name: 'half', path: '/', bytes: 1n, sha256: '' } });
    throw new Error('the disk is full');
  };
  await assert.rejects(commitTask(store, boss, task, write), /the disk is full/);
  assert.deepEqual(await snapshot(store), before);
  await commitTask(store, boss, task, nothing);
  assert.equal((await getRun(store, id)).stages[0]!.done, 3);
});

test('stages follow each other, counters with the writes they count, until the run has succeeded', async () => {
  const id = await newRun(store, boss);
  const jobs = async () =>
    (
      await query<{ n: bigint }>(
        store,
        `SELECT count(*) AS n FROM pgboss.job j JOIN task t ON j.data->>'taskId' = t.id::text
         WHERE t.run_id = $1::uuid`,
        id,
      )
    )[0]!.n;
  const states = async () => {
    const { status, stages } = await getRun(store, id);
    return [status, ...stages.map((stage) => `${stage.status} ${stage.done}/${stage.total}`)];
  };
  assert.deepEqual(await states(), ['running', 'running 0/5', 'waiting 0/1']);
  assert.equal(await jobs(), 2n);
  await commitTask(store, boss, await claim(store, id, 0, 1), nothing);
  assert.deepEqual(await states(), ['running', 'running 2/5', 'waiting 0/1']);
  const task = await claim(store, id, 0, 0);
  await reportProgress(store, task, 0.5);
  assert.equal((await getRun(store, id)).stages[0]!.fraction, (2 + 1.5) / 5);
  await commitTask(store, boss, task, nothing);
  assert.deepEqual(await states(), ['running', 'succeeded 5/5', 'running 0/1']);
  assert.equal(await jobs(), 3n);
  await commitTask(store, boss, await claim(store, id, 1, 0), nothing);
  assert.deepEqual(await states(), ['succeeded', 'succeeded 5/5', 'succeeded 1/1']);
  const { finishedAt, secondsLeft } = await getRun(store, id);
  assert.ok(finishedAt instanceof Date);
  assert.equal(secondsLeft, null);
  assert.deepEqual(await eventTypes(store, id), [
    'run-created',
    'stage-started',
    'stage-succeeded',
    'stage-started',
    'stage-succeeded',
    'run-succeeded',
  ]);
});

test('tasks of a stage that commit at once are all counted, and the next stage starts once', async () => {
  const units = Array.from({ length: 12 }, (_, i) => i + 1);
  const id = await createRun(store, boss, await planOf(store, { first: units, second: [1] }));
  const tasks = await Promise.all(units.map((_, seq) => claim(store, id, 0, seq)));
  await Promise.all(tasks.map((task) => commitTask(store, boss, task, nothing)));
  const { stages } = await getRun(store, id);
  assert.deepEqual([stages[0]!.done, stages[0]!.status, stages[1]!.status], [78, 'succeeded', 'running']);
  assert.equal((await eventTypes(store, id)).filter((type) => type === 'stage-started').length, 2);
});

test('a failed task fails its run once the others of its stage have ended, with the reason', async () => {
  const id = await newRun(store, boss);
  const [one, two] = [await claim(store, id, 0, 0), await claim(store, id, 0, 1)];
  await failTask(store, one, 'no such model');
  assert.equal((await getRun(store, id)).status, 'running');
  await commitTask(store, boss, two, nothing);
  const run = await getRun(store, id);
  assert.equal(run.status, 'failed');
  assert.equal(run.error, 'stage "first": no such model');
  assert.deepEqual([run.stages[0]!.failed, run.stages[0]!.done, run.stages[1]!.status], [3, 2, 'waiting']);
  assert.deepEqual(await eventTypes(store, id), [
    'run-created',
    'stage-started',
    'task-failed',
    'run-failed',
  ]);
});

test('a task put back is queued again with a new job, and its old job is done', async () => {
  const id = await createRun(store, boss, await planOf(store, { only: [1] }, 'train'));
  const [job] = await boss.fetch<{ taskId: string }>('train');
  const task = await claimTask(store, job!.data.taskId);
  await releaseTask(store, boss, task!, job!.id);
  assert.equal((await boss.getJobById('train', job!.id))!.state, 'completed');
  const [again] = await boss.fetch<{ taskId: string }>('train');
  assert.equal(again!.data.taskId, task!.id);
  assert.equal((await claim(store, id, 0, 0)).attempt, 2);
});

test('a cancellation and a commit at the same time wait for each other', async () => {
  const id = await createRun(store, boss, await planOf(store, { first: [1], second: [1] }));
  const task = await claim(store, id, 0, 0);
  let cancelled: Promise<void> | undefined;
  await commitTask(store, boss, task, async () => {
    cancelled = cancelRun(store, id);
    await until('the cancellation waits for the commit', () => someoneWaits(store));
  });
  await cancelled;
  const { status, stages } = await getRun(store, id);
  assert.deepEqual([status, ...stages.map((stage) => stage.status)], ['cancelled', 'succeeded', 'cancelled']);
  await assert.rejects(claim(store, id, 1, 0), /can't be claimed/);
});

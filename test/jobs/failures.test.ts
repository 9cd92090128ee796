import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listFailures, recordFailures } from '../../src/jobs/failures.ts';
import { getRun, retryRun } from '../../src/jobs/runs.ts';
import { commitTask, failTask } from '../../src/jobs/tasks.ts';
import { useDatabase } from '../database.ts';
import { claim, eventTypes, failureOf, newRun, snapshot } from './plans.ts';

const { store, boss } = await useDatabase();
const nothing = async () => {};

/** Commits a task whose candidates of these slots failed alone. */
async function commitWith(runId: string, seq: number, slots: number[]): Promise<void> {
  const failures = await Promise.all(slots.map((slot) => failureOf(store, slot, `no image of slot ${slot}`)));
  const task = await claim(store, runId, 0, seq);
  await commitTask(store, boss, task, (tx) => recordFailures(tx, task, failures));
}

test('the run goes on without what failed alone, and says how many and why', async () => {
  const id = await newRun(store, boss);
  await commitWith(id, 0, [0, 2]);
  await commitWith(id, 1, []);
  const { status, stages } = await getRun(store, id);
  assert.deepEqual([status, stages[0]!.status, stages[1]!.status], ['running', 'succeeded', 'running']);
  assert.deepEqual([stages[0]!.done, stages[0]!.dropped, stages[0]!.failed], [5, 2, 0]);
  const succeeded = await store.event.findFirstOrThrow({ where: { runId: id, type: 'stage-succeeded' } });
  assert.equal((succeeded.data as { dropped: number }).dropped, 2);

  const [first, second] = await listFailures(store, id, '0', 10);
  const { id: firstId, ...shown } = first!;
  assert.deepEqual(shown, {
    imgId: 'failing',
    variant: 'curated',
    slot: 0,
    what: 'image',
    reason: 'no image of slot 0',
    stage: 'first',
  });
  assert.deepEqual(await listFailures(store, id, '0', 1), [first]);
  assert.deepEqual(await listFailures(store, id, firstId, 10), [second]);
  assert.deepEqual(await listFailures(store, id, second!.id, 10), []);
});

test('a candidate counts once, however many of its metrics failed', async () => {
  const id = await newRun(store, boss);
  const image = await failureOf(store, 0, 'refused');
  const task = await claim(store, id, 0, 0);
  const failures = ['dpg', 't2i-blip-vqa'].map((what) => ({ ...image, what }));
  await commitTask(store, boss, task, (tx) => recordFailures(tx, task, failures));
  assert.equal((await getRun(store, id)).stages[0]!.dropped, 1);
  assert.equal((await listFailures(store, id, '0', 10)).length, 2);
});

test('a stage that is left without one good candidate fails its run; a retry does those tasks again', async () => {
  const id = await newRun(store, boss);
  await commitWith(id, 1, [0, 1]);
  await commitWith(id, 0, [0, 1, 2]);
  const failed = await getRun(store, id);
  assert.equal(failed.status, 'failed');
  assert.equal(failed.error, 'stage "first": all 5 candidates failed; the first: no image of slot 0');
  assert.deepEqual([failed.stages[0]!.status, failed.stages[1]!.status], ['failed', 'waiting']);

  await retryRun(store, boss, id);
  const again = await getRun(store, id);
  assert.deepEqual([again.status, again.stages[0]!.status], ['running', 'running']);
  assert.deepEqual([again.stages[0]!.done, again.stages[0]!.dropped], [0, 0]);
  assert.deepEqual(await listFailures(store, id, '0', 10), []);
  await commitWith(id, 0, [1]);
  await commitWith(id, 1, []);
  const { stages } = await getRun(store, id);
  assert.deepEqual([stages[0]!.status, stages[0]!.done, stages[0]!.dropped], ['succeeded', 5, 1]);
  assert.deepEqual(await eventTypes(store, id), [
    'run-created',
    'stage-started',
    'run-failed',
    'run-retried',
    'stage-succeeded',
    'stage-started',
  ]);
});

test('a retry leaves tasks without a failure as they are', async () => {
  const id = await newRun(store, boss);
  await commitWith(id, 0, []);
  const broken = await claim(store, id, 0, 1);

  await failTask(store, broken, 'no such model');
  await retryRun(store, boss, id);
  const { stages } = await getRun(store, id);
  assert.deepEqual([stages[0]!.done, stages[0]!.failed, stages[0]!.status], [3, 0, 'running']);
  await assert.rejects(claim(store, id, 0, 0), /can't be claimed/);
  await commitTask(store, boss, await claim(store, id, 0, 1), nothing);
  assert.equal((await getRun(store, id)).stages[0]!.done, 5);
});

test('the failures of a stale attempt are dropped with it', async () => {
  const id = await newRun(store, boss);
  const failure = await failureOf(store, 0, 'too late');
  const stale = await claim(store, id, 0, 0);
  await claim(store, id, 0, 0);
  const before = await snapshot(store);
  const commit = commitTask(store, boss, stale, (tx) => recordFailures(tx, stale, [failure]));
  await assert.rejects(commit, { code: 'DIPTYCH_STALE_ATTEMPT' });
  assert.deepEqual(await snapshot(store), before);
});

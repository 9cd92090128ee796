import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appendEvent, readEvents } from '../../src/jobs/events.ts';
import { commitTask } from '../../src/jobs/tasks.ts';
import { useDatabase } from '../database.ts';
import { until } from '../wait.ts';
import { claim, newRun, someoneWaits } from './plans.ts';

const { store, boss } = await useDatabase();

test('the log of a run is read in order, from any event on, and holds no other run’s events', async () => {
  const [id, other] = [await newRun(store, boss), await newRun(store, boss)];
  for (const error of ['one', 'two']) {
    await appendEvent(store, id, 'task-retried', { stage: 'first', attempt: 1, error });
    await appendEvent(store, other, 'run-failed', { error });
  }
  const all = await readEvents(store, id, '0', 100);
  assert.deepEqual(
    all.map(({ type, data }) => [type, data]),
    [
      ['run-created', { kind: 'curate' }],
      ['stage-started', { stage: 'first', tasks: 2 }],
      ['task-retried', { stage: 'first', attempt: 1, error: 'one' }],
      ['task-retried', { stage: 'first', attempt: 1, error: 'two' }],
    ],
  );
  assert.deepEqual(await readEvents(store, id, all[1]!.id, 1), [all[2]]);
  assert.deepEqual(await readEvents(store, id, all[3]!.id, 100), []);
});

test('a reader who goes on after the last event it saw misses none that was written at the same time', async () => {
  const id = await newRun(store, boss);
  const last = (await readEvents(store, id, '0', 100)).at(-1)!.id;
  const task = await claim(store, id, 0, 0);
  let beside: Promise<void> = Promise.resolve();
  await commitTask(store, boss, task, async (tx) => {
    await appendEvent(tx, id, 'artifact-written', { name: 'a', bytes: 1 });
    let written = false;
    beside = appendEvent(store, id, 'run-retried', { tasks: 1 }).then(() => {
      written = true;
    });
    await until('the other event waits or is there', async () => written || someoneWaits(store));
    // The commit is not through: whoever reads now must not see an event that stands behind its own.
    assert.deepEqual(await readEvents(store, id, last, 100), []);
  });
  await beside;
  const events = await readEvents(store, id, last, 100);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['artifact-written', 'run-retried'],
  );
});

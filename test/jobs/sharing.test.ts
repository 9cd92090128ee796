/** Several runs at once: who gets the workers, and who waits for whom. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PgBoss } from 'pg-boss';
import { openQueue, type Priority, type TaskJob } from '../../src/jobs/queue.ts';
import { createRun, getRun, pauseRun, resumeRun, setPriority } from '../../src/jobs/runs.ts';
import { claimTask, commitTask, releaseTask } from '../../src/jobs/tasks.ts';
import { runWorker } from '../../src/jobs/worker.ts';
import { query } from '../../src/store/client.ts';
import { useDatabase } from '../database.ts';
import { until } from '../wait.ts';
import { eventTypes, planOf, snapshot, WHOLE } from './plans.ts';

const { store, boss, url } = await useDatabase();
const nothing = async () => {};
type Worker = 'generate' | 'score' | 'train';

const runOf = async (
  worker: Worker,
  tasks: number,
  priority?: Priority,
  more: Record<string, number[]> = {},
) =>
  createRun(store, boss, {
    ...(await planOf(store, { first: Array<number>(tasks).fill(1), ...more }, worker)),
    priority,
  });

/** Does what is next, one task at a time, and tells whose it was. */
async function served(worker: Worker, tasks: number, from: PgBoss = boss): Promise<string[]> {
  const runs: string[] = [];
  for (let i = 0; i < tasks; i++) {
    const [job] = await from.fetch<TaskJob>(worker);
    if (!job) break;
    const task = await claimTask(store, job.data.taskId);
    await commitTask(store, boss, task!, nothing);
    await boss.complete(worker, job.id);
    runs.push(task!.runId);
  }
  return runs;
}
const named = (runs: string[], names: Record<string, string>) =>
  runs.map((id) => Object.entries(names).find(([, known]) => known === id)![0]).join('');

test('tasks of one run go in their order', async () => {
  const id = await runOf('generate', 5);
  const seqs: number[] = [];
  for (let i = 0; i < 5; i++) {
    const [job] = await boss.fetch<TaskJob>('generate');
    seqs.push((await store.task.findUniqueOrThrow({ where: { id: job!.data.taskId } })).seq);
  }
  assert.deepEqual(seqs, [0, 1, 2, 3, 4]);
  assert.equal((await getRun(store, id)).priority, 'normal');
});

test('a run of 10,000 tasks lets one of 10 take turns with it, whenever that comes', async () => {
  const large = await runOf('score', 10_000);
  await served('score', 5);
  const small = await runOf('score', 10);
  const order = named(await served('score', 21), { L: large, s: small });
  // From the round behind the one that is being handed out.
  assert.equal(order, `L${'Ls'.repeat(10)}`);
  assert.equal((await getRun(store, small)).status, 'succeeded');
  // As quick as without: the place is an index's first entry. A connection tells what it did when it has been idle a while.
  await until('the index is counted', async () => {
    const used = await query<{ name: string }>(
      store,
      `SELECT indexrelname AS name FROM pg_stat_all_indexes WHERE schemaname = 'pgboss' AND idx_scan > 0`,
    );
    return used.some(({ name }) => name.includes('i11'));
  });
  await query(store, `DELETE FROM pgboss.job WHERE state < 'active' RETURNING id`);
});

test('runs that keep coming never stop one that came before them, nor the later ones each other', async () => {
  const first = await runOf('train', 4);
  const names: Record<string, string> = { F: first };
  let order = '';
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
    names[name] = await runOf('train', 2);
    order += named(await served('train', 1), names);
  }
  order += named(await served('train', 10), names);
  // Between two tasks of the first run each other run has one, or has come later.
  for (const [i, round] of order.split('F').slice(0, -1).entries()) {
    assert.equal(new Set(round).size, round.length, `someone had two turns in round ${i} of ${order}`);
  }
  assert.ok(order.lastIndexOf('F') < order.length / 2 + 1, order);
  assert.equal(order.length, 16);
});

test('the higher priority goes first, the lower when nothing higher waits; the newcomer too', async () => {
  const low = await runOf('train', 2, 'low');
  const normal = await runOf('train', 2);
  const [high, other] = [await runOf('train', 2, 'high'), await runOf('train', 1, 'high')];
  const names = { l: low, n: normal, h: high, o: other };
  assert.equal(named(await served('train', 4), names), 'hhon');
  const late = await runOf('train', 1, 'high');
  assert.equal(named(await served('train', 9), { ...names, x: late }), 'xnll');
});

test('a priority can be changed under way, and its tasks then take turns with those of the same', async () => {
  const [one, two] = [await runOf('train', 6, 'normal'), await runOf('train', 6, 'normal')];
  const names = { 1: one, 2: two };
  assert.equal(named(await served('train', 3), names), '112');
  await setPriority(store, two, 'high');
  assert.equal((await getRun(store, two)).priority, 'high');
  assert.equal(named(await served('train', 2), names), '22');
  await setPriority(store, one, 'high');
  assert.equal(named(await served('train', 4), names), '2121');
  await setPriority(store, two, 'low');
  assert.equal(named(await served('train', 9), names), '112');
  assert.equal((await eventTypes(store, two)).filter((type) => type === 'run-priority-changed').length, 2);
  const before = await snapshot(store);
  await assert.rejects(setPriority(store, one, 'high'), {
    code: 'DIPTYCH_CONFLICT',
    message: `run ${one} is succeeded; only one that has not ended can be given another priority`,
  });
  assert.deepEqual(await snapshot(store), before);
});

test('stages that follow keep the priority, and tasks that come back stand in the next round', async () => {
  const high = await runOf('train', 1, 'high', { second: [1] });
  const normal = await runOf('train', 3);
  const names = { h: high, n: normal };
  assert.equal(named(await served('train', 2), names), 'hh');
  const [job] = await boss.fetch<TaskJob>('train');
  const task = (await claimTask(store, job!.data.taskId))!;
  const newcomer = await runOf('train', 3);
  await releaseTask(store, boss, task, job!.id);
  const order = named(await served('train', 9), { ...names, N: newcomer });
  assert.equal(order, 'nnNnNN');
});

test('a run that was paused for long takes turns again; it is owed nothing and owes nothing', async () => {
  const [away, there] = [await runOf('train', 4), await runOf('train', 8)];
  await pauseRun(store, away);
  await served('train', 4);
  await resumeRun(store, boss, away);
  assert.equal(named(await served('train', 9), { a: away, t: there }), 'ttatataa');
});

test('three runs at once on two workers all succeed, whatever is paused, resumed and hurried between', async () => {
  const runs = [
    await runOf('generate', 6, 'low'),
    await runOf('generate', 6),
    await runOf('generate', 6, 'high'),
  ];
  const committed: string[] = [];
  let begun = 0;
  const changed = Promise.withResolvers<void>();
  const work = async ({ task }: { task: { id: string } }) => {
    if (++begun > 2) await changed.promise;
    return async () => {
      committed.push(task.id);
    };
  };
  const workers = await Promise.all(
    [1, 2].map(async () =>
      runWorker({
        ...{ store, boss: await openQueue(url, false), worker: 'generate' as const },
        handlers: { work },
        items: WHOLE,
      }),
    ),
  );
  try {
    await until('the workers hold the next tasks', async () => begun === 4);
    await pauseRun(store, runs[2]!);
    await setPriority(store, runs[0]!, 'high');
    changed.resolve();
    await until('the low one has ended', async () => (await getRun(store, runs[0]!)).finishedAt);
    await resumeRun(store, boss, runs[2]!);
    for (const id of runs) await until('a run has ended', async () => (await getRun(store, id)).finishedAt);
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
  for (const id of runs) {
    const { status, stages } = await getRun(store, id);
    assert.deepEqual([status, stages[0]!.done], ['succeeded', 6]);
  }
  assert.equal(new Set(committed).size, 18);
  assert.equal(committed.length, 18);
});

/** Runs that are paused and go on: nothing is lost, nothing is done twice, nobody works meanwhile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiptychError } from '../../src/errors.ts';
import { openQueue, type TaskJob } from '../../src/jobs/queue.ts';
import { cancelRun, createRun, getRun, pauseRun, resumeRun, retryRun } from '../../src/jobs/runs.ts';
import {
  type ClaimedTask,
  claimTask,
  commitTask,
  failTask,
  releaseTask,
  reportProgress,
} from '../../src/jobs/tasks.ts';
import { runWorker, type TaskHandler } from '../../src/jobs/worker.ts';
import { query } from '../../src/store/client.ts';
import { useDatabase } from '../database.ts';
import { until } from '../wait.ts';
import { claim, eventTypes, newRun, planOf, snapshot, someoneWaits, WHOLE } from './plans.ts';

const { store, boss, url } = await useDatabase();
const nothing = async () => {};

const taskStates = async (runId: string) =>
  (await store.task.findMany({ where: { runId }, orderBy: [{ ordinal: 'asc' }, { seq: 'asc' }] })).map(
    ({ status }) => status,
  );
const jobsOf = async (runId: string) =>
  (
    await query<{ n: number }>(
      store,
      `SELECT count(*)::int AS n FROM pgboss.job WHERE group_id = $1 AND state = 'created'`,
      runId,
    )
  )[0]!.n;

test('a paused run waits without a job or an end time, and goes on where it was', async () => {
  const id = await newRun(store, boss);
  await commitTask(store, boss, await claim(store, id, 0, 0), nothing);
  assert.equal(await jobsOf(id), 2);
  await pauseRun(store, id);
  const { status, secondsLeft, stages, finishedAt } = await getRun(store, id);
  assert.deepEqual([status, secondsLeft, finishedAt, stages[0]!.status], ['paused', null, null, 'running']);
  assert.deepEqual(await taskStates(id), ['succeeded', 'waiting', 'waiting']);
  assert.equal(await jobsOf(id), 0);
  await assert.rejects(claim(store, id, 0, 1), /can't be claimed/);

  await resumeRun(store, boss, id);
  assert.deepEqual(await taskStates(id), ['succeeded', 'queued', 'waiting']);
  assert.equal(await jobsOf(id), 1);
  await commitTask(store, boss, await claim(store, id, 0, 1), nothing);
  await commitTask(store, boss, await claim(store, id, 1, 0), nothing);
  const after = await getRun(store, id);
  assert.deepEqual([after.status, after.stages[0]!.done, after.stages[1]!.done], ['succeeded', 5, 1]);
  assert.deepEqual((await eventTypes(store, id)).slice(2), [
    'run-paused',
    'run-resumed',
    'stage-succeeded',
    'stage-started',
    'stage-succeeded',
    'run-succeeded',
  ]);
});

test('the attempt that is under way learns of the pause and hands its task back, to wait', async () => {
  const id = await createRun(store, boss, await planOf(store, { only: [1] }, 'train'));
  const [job] = await boss.fetch<TaskJob>('train');
  const task = (await claimTask(store, job!.data.taskId))!;
  assert.equal(await reportProgress(store, task, 0.5), 'held');
  await pauseRun(store, id);
  assert.equal(await reportProgress(store, task, 0.6), 'paused');
  await releaseTask(store, boss, task, job!.id);
  assert.deepEqual(await taskStates(id), ['waiting']);
  assert.equal((await boss.getJobById('train', job!.id))!.state, 'completed');
  assert.equal(await jobsOf(id), 0);
  await resumeRun(store, boss, id);
  const [again] = await boss.fetch<TaskJob>('train');
  assert.equal((await claimTask(store, again!.data.taskId))!.attempt, 2);
});

test('one that hands back after the resume is queued again, once', async () => {
  const id = await createRun(store, boss, await planOf(store, { only: [1, 1] }, 'train'));
  const [job] = await boss.fetch<TaskJob>('train');
  const task = (await claimTask(store, job!.data.taskId))!;
  await pauseRun(store, id);
  await resumeRun(store, boss, id);
  assert.equal(await jobsOf(id), 1);
  await releaseTask(store, boss, task, job!.id);
  assert.deepEqual(await taskStates(id), ['queued', 'queued']);
  assert.equal(await jobsOf(id), 2);
});

test('a task that ends before its worker hears of the pause counts; what follows waits for the resume', async () => {
  const id = await createRun(store, boss, await planOf(store, { first: [2], second: [3], third: [1] }));
  const task = await claim(store, id, 0, 0);
  await pauseRun(store, id);
  await commitTask(store, boss, task, nothing);
  const { status, stages } = await getRun(store, id);
  assert.deepEqual([status, stages[0]!.status, stages[1]!.status], ['paused', 'succeeded', 'running']);
  assert.deepEqual(await taskStates(id), ['succeeded', 'waiting', 'waiting']);
  await assert.rejects(claim(store, id, 1, 0), /can't be claimed/);
  await resumeRun(store, boss, id);
  assert.deepEqual(await taskStates(id), ['succeeded', 'queued', 'waiting']);

  const last = await createRun(store, boss, await planOf(store, { only: [1] }));
  const end = await claim(store, last, 0, 0);
  await pauseRun(store, last);
  await commitTask(store, boss, end, nothing);
  assert.equal((await getRun(store, last)).status, 'succeeded');
});

test('the task of a worker that died or froze waits too, and the frozen one can do nothing', async () => {
  const id = await newRun(store, boss);
  const frozen = await claim(store, id, 0, 0);
  await pauseRun(store, id);
  // The lease is over: the queue gives the job to another worker.
  assert.equal(await claimTask(store, frozen.id), null);
  assert.deepEqual(await taskStates(id), ['waiting', 'waiting', 'waiting']);
  const before = await snapshot(store);
  assert.equal(await reportProgress(store, frozen, 0.9), 'lost');
  const stale = { code: 'DIPTYCH_STALE_ATTEMPT' };
  const late: ((task: ClaimedTask) => Promise<void>)[] = [
    (task) => commitTask(store, boss, task, nothing),
    (task) => failTask(store, task, 'late'),
    (task) => releaseTask(store, boss, task, task.id),
  ];
  for (const act of late) await assert.rejects(act(frozen), stale);
  assert.deepEqual(await snapshot(store), before);
  await resumeRun(store, boss, id);
  assert.equal((await claim(store, id, 0, 0)).attempt, 3);
  for (const act of late) await assert.rejects(act(frozen), stale);
});

test('a pause and a resume are refused where they make no sense, and say what the run is', async () => {
  const id = await newRun(store, boss);
  const conflict = (is: string, need: string) => ({
    code: 'DIPTYCH_CONFLICT',
    message: `run ${id} is ${is}; only a ${need} one can be ${need === 'paused' ? 'resumed' : 'paused'}`,
  });
  await assert.rejects(resumeRun(store, boss, id), conflict('running', 'paused'));
  await pauseRun(store, id);
  const before = await snapshot(store);
  await assert.rejects(pauseRun(store, id), conflict('paused', 'running'));
  await assert.rejects(retryRun(store, boss, id), /is paused; only a failed one can be retried/);
  assert.deepEqual(await snapshot(store), before);
  await cancelRun(store, id);
  assert.deepEqual(await taskStates(id), ['cancelled', 'cancelled', 'cancelled']);
  await assert.rejects(pauseRun(store, id), conflict('cancelled', 'running'));
  await assert.rejects(resumeRun(store, boss, id), conflict('cancelled', 'paused'));
});

test('a cancelled run leaves no job behind that a worker would look at', async () => {
  const id = await newRun(store, boss);
  assert.equal(await jobsOf(id), 2);
  await cancelRun(store, id);
  assert.equal(await jobsOf(id), 0);
});

test('two pauses at once, and two resumes, happen once', async () => {
  const id = await newRun(store, boss);
  const twice = async (act: () => Promise<void>) =>
    (await Promise.allSettled([act(), act()])).map(({ status }) => status).sort();
  assert.deepEqual(await twice(() => pauseRun(store, id)), ['fulfilled', 'rejected']);
  assert.deepEqual(await twice(() => resumeRun(store, boss, id)), ['fulfilled', 'rejected']);
  assert.equal(await jobsOf(id), 2);
});

test('a pause and a commit at the same time wait for each other', async () => {
  const id = await createRun(store, boss, await planOf(store, { first: [1], second: [1] }));
  const task = await claim(store, id, 0, 0);
  let paused: Promise<void> | undefined;
  await commitTask(store, boss, task, async () => {
    paused = pauseRun(store, id);
    await until('the pause waits for the commit', () => someoneWaits(store));
  });
  await paused;
  assert.equal((await getRun(store, id)).status, 'paused');
  assert.deepEqual(await taskStates(id), ['succeeded', 'waiting']);
  assert.equal(await jobsOf(id), 0);
});

test('time that a run was paused counts for no rate', async () => {
  const id = await createRun(store, boss, await planOf(store, { slow: [10, 10] }));
  await commitTask(store, boss, await claim(store, id, 0, 0), nothing);
  await pauseRun(store, id);
  const ago = (seconds: number) => new Date(Date.now() - 1000 * seconds);
  await store.stage.updateMany({ where: { runId: id, ordinal: 0 }, data: { startedAt: ago(1030) } });
  await store.event.updateMany({ where: { runId: id, type: 'run-paused' }, data: { at: ago(1000) } });
  await resumeRun(store, boss, id);
  // Half took the 30 seconds before the pause.
  const { secondsLeft } = await getRun(store, id);
  assert.ok(Math.abs(secondsLeft! - 30) < 5, `${secondsLeft} seconds are left`);
});

test('a worker lets go of the task of a paused run, takes those of others, and comes back', async () => {
  const [id, other] = [
    await createRun(store, boss, await planOf(store, { only: [1] }, 'score')),
    await createRun(store, boss, await planOf(store, { only: [1] }, 'score')),
  ];
  const begun = Promise.withResolvers<AbortSignal>();
  const work: TaskHandler = async ({ task, signal }) => {
    if (task.runId === id && task.attempt === 1) {
      begun.resolve(signal);
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    }
    return nothing;
  };
  const running = await runWorker({
    store,
    boss: await openQueue(url, false),
    worker: 'score',
    handlers: { work },
    items: WHOLE,
  });
  try {
    const signal = await begun.promise;
    await pauseRun(store, id);
    await until('the other run has succeeded', async () => (await getRun(store, other)).finishedAt);
    assert.equal((signal.reason as DiptychError).code, 'DIPTYCH_PAUSED');
    assert.deepEqual(await taskStates(id), ['waiting']);
    await resumeRun(store, boss, id);
    await until('the run has succeeded', async () => (await getRun(store, id)).finishedAt);
  } finally {
    await running.stop();
  }
  const task = await store.task.findFirstOrThrow({ where: { runId: id } });
  assert.deepEqual([task.status, task.attempt], ['succeeded', 2]);
  assert.equal(await store.event.count({ where: { runId: id, type: 'task-retried' } }), 0);
});

/** Tasks that can't be done: they end with a reason, are tried again on demand, and cost nobody else anything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiptychError } from '../../src/errors.ts';
import {
  buryDeadTasks,
  buryTask,
  divideTask,
  listDeadLetters,
  retryDeadLetter,
  type TaskItems,
} from '../../src/jobs/dead-letters.ts';
import { listFailures } from '../../src/jobs/failures.ts';
import { openQueue } from '../../src/jobs/queue.ts';
import { cancelRun, createRun, getRun, pauseRun, retryRun } from '../../src/jobs/runs.ts';
import { claimTask, commitTask, failTask } from '../../src/jobs/tasks.ts';
import { runWorker } from '../../src/jobs/worker.ts';
import { query } from '../../src/store/client.ts';
import { useDatabase } from '../database.ts';
import { until } from '../wait.ts';
import { claim, eventTypes, failureOf, newRun, planOf, snapshot } from './plans.ts';

const { store, boss, url } = await useDatabase();
const nothing = async () => {};
const stale = { code: 'DIPTYCH_STALE_ATTEMPT' };
const { reason: _, ...lost } = await failureOf(store, 0, '');
const parts = (units: number[]) => units.map((n, i) => ({ units: n, payload: { part: i } }));

test('a divided task goes on as its parts, each with its own tries; the stage counts as before', async () => {
  const id = await newRun(store, boss);
  const task = await claim(store, id, 0, 0);
  await divideTask(store, boss, task, parts([1, 2]));
  const tasks = await store.task.findMany({ where: { runId: id, ordinal: 0 }, orderBy: { seq: 'asc' } });
  assert.deepEqual(
    tasks.map(({ seq, units, status, payload }) => [seq, units, status, payload]),
    [
      [0, 1, 'queued', { part: 0 }],
      [1, 2, 'queued', { stage: 'first', part: 1 }],
      [2, 2, 'queued', { part: 1 }],
    ],
  );
  for (const seq of [0, 1, 2]) await commitTask(store, boss, await claim(store, id, 0, seq), nothing);
  const { stages } = await getRun(store, id);
  assert.deepEqual([stages[0]!.done, stages[0]!.status, stages[1]!.status], [5, 'succeeded', 'running']);
});

test('of a paused run the parts wait', async () => {
  const id = await newRun(store, boss);
  const task = await claim(store, id, 0, 0);
  await pauseRun(store, id);
  await divideTask(store, boss, task, parts([1, 2]));
  const tasks = await store.task.findMany({ where: { runId: id } });
  assert.ok(tasks.every(({ status }) => status === 'waiting'));
});

test('a task given up for its items lets the stage go on without them; both kinds are listed with their reason', async () => {
  const id = await newRun(store, boss);
  await buryTask(store, boss, await claim(store, id, 0, 0), [lost], 'its workers died');
  await commitTask(store, boss, await claim(store, id, 0, 1), nothing);
  const run = await getRun(store, id);
  assert.deepEqual([run.status, run.stages[0]!.status], ['running', 'succeeded']);
  assert.deepEqual([run.stages[0]!.done, run.stages[0]!.dropped, run.stages[0]!.failed], [5, 1, 0]);
  assert.equal((await listFailures(store, id, '0', 10))[0]!.reason, 'its workers died');

  const whole = await claim(store, id, 1, 0);
  await buryTask(store, boss, whole, [], 'no memory');
  const failed = await getRun(store, id);
  assert.deepEqual([failed.status, failed.error], ['failed', 'stage "second": no memory']);
  const [newest, older] = await listDeadLetters(store, null, 2);
  const { at, micros, ...shown } = newest!;
  assert.deepEqual(shown, {
    ...{ id: whole.id, runId: id, stage: 'second', units: 1, attempts: 1, reason: 'no memory', lost: [] },
  });
  assert.ok(at instanceof Date);
  assert.deepEqual([older!.reason, older!.lost, older!.stage], ['its workers died', ['failing'], 'first']);
  assert.deepEqual(await listDeadLetters(store, newest!, 1), [older]);
  assert.equal((await eventTypes(store, id)).filter((type) => type === 'task-failed').length, 2);
});

test('the reason of a failed run is that of what it can not do without', async () => {
  const id = await newRun(store, boss);
  await buryTask(store, boss, await claim(store, id, 0, 0), [lost], 'its workers died');
  await failTask(store, await claim(store, id, 0, 1), 'no such model');
  assert.equal((await getRun(store, id)).error, 'stage "first": no such model');
});

test('one dead letter is tried again alone while its stage is open; its run then ends as if nothing had been', async () => {
  const id = await newRun(store, boss);
  const [poison, broken] = [await claim(store, id, 0, 0), await claim(store, id, 0, 1)];
  await buryTask(store, boss, poison, [lost], 'its workers died');
  await retryDeadLetter(store, boss, poison.id);
  assert.deepEqual(await listFailures(store, id, '0', 10), []);
  const again = await claim(store, id, 0, 0);
  assert.equal(again.attempt, 2);
  await buryTask(store, boss, again, [lost], 'its workers died');
  await failTask(store, broken, 'no such model');
  assert.equal((await getRun(store, id)).status, 'failed');

  await retryDeadLetter(store, boss, broken.id);
  const run = await getRun(store, id);
  assert.deepEqual(
    [run.status, run.error, run.finishedAt, run.stages[0]!.failed],
    ['running', null, null, 0],
  );
  await assert.rejects(claim(store, id, 0, 0), /can't be claimed/);
  await retryDeadLetter(store, boss, poison.id);
  const open = await getRun(store, id);
  assert.deepEqual([open.stages[0]!.done, open.stages[0]!.dropped], [0, 0]);
  for (const seq of [0, 1]) await commitTask(store, boss, await claim(store, id, 0, seq), nothing);
  await commitTask(store, boss, await claim(store, id, 1, 0), nothing);
  const after = await getRun(store, id);
  assert.deepEqual([after.status, after.stages[0]!.done, after.stages[0]!.dropped], ['succeeded', 5, 0]);
  const letters = await listDeadLetters(store, null, 100);
  assert.equal(letters.filter(({ runId }) => runId === id).length, 0);
});

test('a retry of the run takes its dead letters with it', async () => {
  const id = await newRun(store, boss);
  await buryTask(store, boss, await claim(store, id, 0, 0), [lost], 'its workers died');
  await failTask(store, await claim(store, id, 0, 1), 'no such model');
  await retryRun(store, boss, id);
  assert.deepEqual(
    [await claim(store, id, 0, 0), await claim(store, id, 0, 1)].map((task) => task.attempt),
    [2, 2],
  );
  assert.equal((await listDeadLetters(store, null, 100)).filter(({ runId }) => runId === id).length, 0);
});

test('what the run has gone on without, or was cancelled with, is not tried again; nor is what is none', async () => {
  const id = await newRun(store, boss);
  const poison = await claim(store, id, 0, 0);
  await assert.rejects(retryDeadLetter(store, boss, poison.id), {
    code: 'DIPTYCH_NOT_FOUND',
    message: `there is no dead letter ${poison.id}`,
  });
  await buryTask(store, boss, poison, [lost], 'its workers died');
  await commitTask(store, boss, await claim(store, id, 0, 1), nothing);
  const before = await snapshot(store);
  await assert.rejects(retryDeadLetter(store, boss, poison.id), {
    code: 'DIPTYCH_CONFLICT',
    message: new RegExp(`^run ${id} is running and done with stage "first"; ask for a run`),
  });
  assert.deepEqual(await snapshot(store), before);
  await cancelRun(store, id);
  await assert.rejects(retryDeadLetter(store, boss, poison.id), { code: 'DIPTYCH_CONFLICT' });
});

test('a stale attempt divides and buries nothing', async () => {
  const id = await newRun(store, boss);
  const old = await claim(store, id, 0, 0);
  await claim(store, id, 0, 0);
  const before = await snapshot(store);
  await assert.rejects(divideTask(store, boss, old, parts([1, 2])), stale);
  await assert.rejects(buryTask(store, boss, old, [lost], 'late'), stale);
  await assert.rejects(buryTask(store, boss, old, [], 'late'), stale);
  assert.deepEqual(await snapshot(store), before);
});

test('a poisoned item that kills every worker ends alone; its batch, its run and other runs go on', async () => {
  const POISON = 3;
  const plan = await planOf(store, { draw: [6], score: [1] }, 'generate');
  plan.stages[0]!.tasks = [{ units: 6, payload: { items: [1, 2, POISON, 4, 5, 6] } }];
  plan.stages[1]!.tasks = [{ units: 1, payload: { items: [1] } }];
  const id = await createRun(store, boss, plan);
  const items: TaskItems = {
    parts: ({ payload }) =>
      (payload as { items: number[] }).items.map((item) => ({ units: 1, payload: { items: [item] } })),
    lost: async () => [lost],
  };
  const supervisor = await openQueue(url, true);
  await buryDeadTasks(store, supervisor, items);
  const other = await createRun(store, boss, await planOf(store, { only: [1, 1, 1] }, 'generate'));
  const done: number[] = [];
  let deaths = 0;
  const running = await runWorker({
    ...{ store, boss: await openQueue(url, false), worker: 'generate' as const, items },
    handlers: {
      async work({ task, signal }) {
        const { items: of = [] } = task.payload as { items?: number[] };
        if (of.includes(POISON)) {
          // As a killed process does: says nothing more, and its lease ends.
          deaths += 1;
          await query(
            store,
            `UPDATE pgboss.job SET heartbeat_on = now() - interval '1 minute'
             WHERE state = 'active' AND data->>'taskId' = $1 RETURNING id`,
            task.id,
          );
          await until('the lease is over', async () => {
            await query(
              store,
              `UPDATE pgboss.job SET start_after = now() WHERE state = 'retry' AND data->>'taskId' = $1 RETURNING id`,
              task.id,
            );
            const active = await query(
              store,
              `SELECT id FROM pgboss.job WHERE state = 'active' AND name = 'generate' AND data->>'taskId' = $1`,
              task.id,
            );
            return active.length === 0 || signal.aborted;
          });
          throw new DiptychError('DIPTYCH_STALE_ATTEMPT', 'dead');
        }
        return async () => {
          done.push(...of);
        };
      },
    },
  });
  try {
    const end = (run: string) =>
      until(`run ${run} has ended`, async () => (await getRun(store, run)).finishedAt, 90);
    await end(id);
    await end(other);
  } finally {
    await running.stop();
    await supervisor.stop({ graceful: false });
  }
  const run = await getRun(store, id);
  assert.deepEqual([run.status, run.stages[0]!.done, run.stages[0]!.dropped], ['succeeded', 6, 1]);
  assert.equal((await getRun(store, other)).status, 'succeeded');
  assert.deepEqual(done.sort(), [1, 1, 2, 4, 5, 6]);
  assert.equal(deaths, 10);
  const [letter] = await listDeadLetters(store, null, 1);
  assert.deepEqual([letter!.runId, letter!.stage, letter!.lost], [id, 'draw', ['failing']]);
  assert.match(letter!.reason, /^its worker ended without a word 5 times/);
  assert.equal(await claimTask(store, letter!.id), null);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiptychError } from '../../src/errors.ts';
import { buryDeadTasks, listDeadLetters, type TaskItems } from '../../src/jobs/dead-letters.ts';
import { DEAD_LETTERS, openQueue, RETRY_LIMIT, type WorkerName } from '../../src/jobs/queue.ts';
import { cancelRun, createRun, getRun, type RunView } from '../../src/jobs/runs.ts';
import { claimTask } from '../../src/jobs/tasks.ts';
import { type RunningWorker, runWorker, type TaskHandler } from '../../src/jobs/worker.ts';
import { query } from '../../src/store/client.ts';
import { useDatabase } from '../database.ts';
import { until } from '../wait.ts';
import { failureOf, planOf, WHOLE } from './plans.ts';

const { store, boss, url } = await useDatabase();
const nothing = async () => {};

/** Runs a worker with one handler while `during` lasts. */
async function working(
  worker: WorkerName,
  work: TaskHandler,
  during: (running: RunningWorker) => Promise<void>,
  items: TaskItems = WHOLE,
): Promise<void> {
  const running = await runWorker({
    ...{ store, boss: await openQueue(url, false), worker, items },
    handlers: { work },
  });
  try {
    await during(running);
  } finally {
    await running.stop();
  }
}

const runOf = async (worker: WorkerName, stages: Record<string, number[]>) =>
  createRun(store, boss, await planOf(store, stages, worker));
const taskOf = (runId: string) => store.task.findFirstOrThrow({ where: { runId } });

/** Waits for a run; jobs to be tried later are tried now. */
const ended = (id: string): Promise<RunView> =>
  until(`run ${id} has ended`, async () => {
    await query(store, `UPDATE pgboss.job SET start_after = now() WHERE state = 'retry' RETURNING id`);
    const run = await getRun(store, id);
    return run.finishedAt && run;
  });

test('a worker does the tasks of every stage and writes their results with the commit', async () => {
  const id = await runOf('generate', { first: [1, 1, 1], second: [1] });
  const done: unknown[] = [];
  const handler: TaskHandler = async ({ task, progress }) => {
    progress(0.5);
    return async (tx) => {
      done.push(task.payload);
      await tx.artifact.create({
        data: { runId: id, name: `${task.ordinal}/${task.seq}`, path: '/', bytes: 1n, sha256: '' },
      });
    };
  };
  await working('generate', handler, async () => {
    assert.equal((await ended(id)).status, 'succeeded');
  });
  assert.equal(done.length, 4);
  assert.deepEqual(done.at(-1), { stage: 'second', part: 0 });
  assert.equal(await store.artifact.count({ where: { runId: id } }), 4);
});

test('an error that may pass is tried again under a new attempt, and the log says why', async () => {
  const id = await runOf('score', { only: [1] });
  const handler: TaskHandler = async ({ task }) => {
    if (task.attempt === 1) throw new Error('the disk was away');
    return nothing;
  };
  await working('score', handler, async () => {
    assert.equal((await ended(id)).status, 'succeeded');
  });
  assert.equal((await taskOf(id)).attempt, 2);
  const retried = await store.event.findFirstOrThrow({ where: { runId: id, type: 'task-retried' } });
  assert.deepEqual(retried.data, { stage: 'only', attempt: 1, error: 'the disk was away' });
});

test('an attempt that fails after another has begun says nothing, even before it has heard of it', async () => {
  const id = await runOf('score', { only: [1] });
  const handler: TaskHandler = async ({ task }) => {
    await claimTask(store, task.id);
    throw new Error('another attempt has its files');
  };
  await working('score', handler, async () => {
    await until('the first attempt has ended', async () => {
      const [job] = await query<{ state: string }>(
        store,
        `SELECT state FROM pgboss.job WHERE data->>'taskId' = $1`,
        (await taskOf(id)).id,
      );
      return job!.state === 'completed';
    });
  });
  assert.equal((await taskOf(id)).attempt, 2);
  assert.equal(await store.event.count({ where: { runId: id, type: 'task-retried' } }), 0);
});

test('an error that never passes fails the task at the last try, and the run with it', async () => {
  const id = await runOf('score', { only: [1] });
  let tries = 0;
  const handler: TaskHandler = async () => {
    tries++;
    throw new Error('no');
  };
  await working('score', handler, async () => {
    const run = await ended(id);
    assert.deepEqual([run.status, run.error], ['failed', 'stage "only": no']);
  });
  assert.equal(tries, RETRY_LIMIT + 1);
});

test('an error that a further try cannot mend fails the task at once', async () => {
  const id = await runOf('train', { only: [1] });
  let tries = 0;
  const handler: TaskHandler = async () => {
    tries++;
    throw new DiptychError('DIPTYCH_INVALID_INPUT', 'there is no model "x"');
  };
  await working('train', handler, async () => {
    assert.equal((await ended(id)).error, 'stage "only": there is no model "x"');
  });
  assert.equal(tries, 1);
});

/** A handler that only ends when it is told to, and says when it has begun. */
function patient() {
  const begun = Promise.withResolvers<AbortSignal>();
  const handler: TaskHandler = ({ signal }) => {
    begun.resolve(signal);
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };
  return { begun: begun.promise, handler };
}

test('a job that comes while its worker is told to stop goes back too', async () => {
  const id = await runOf('score', { score: [1] });
  const [locked, unlock] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const lock = store.$transaction(
    async (tx) => {
      await tx.$executeRaw`LOCK TABLE pgboss.job IN ACCESS EXCLUSIVE MODE`;
      locked.resolve();
      await unlock.promise;
    },
    { timeout: 60_000 },
  );
  await locked.promise;
  const slow = await openQueue(url, false);
  const end = slow.stop.bind(slow);
  slow.stop = async (options) => {
    const completed = `SELECT id FROM pgboss.job WHERE group_id = $1 AND state = 'completed'`;
    await until('the job that came has ended', async () => (await query(store, completed, id)).length > 0);
    return end(options);
  };
  const options = { store, boss: slow, worker: 'score' as const, items: WHOLE };
  const running = await runWorker({ ...options, handlers: { work: async () => nothing } });
  const asking = `SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%SKIP LOCKED%'`;
  await until('the worker asks for a job', async () => (await query(store, asking)).length > 0);
  const stopped = running.stop();
  unlock.resolve();
  await Promise.all([lock, stopped]);
  await working(
    'score',
    async () => nothing,
    async () => {
      assert.equal((await ended(id)).status, 'succeeded');
    },
  );
});

test('a worker told to stop puts its task back for the next one', async () => {
  const id = await runOf('train', { only: [1] });
  const { begun, handler } = patient();
  await working('train', handler, async (running) => {
    await begun;
    await running.stop();
    const { status, attempt } = await taskOf(id);
    assert.deepEqual([status, attempt], ['queued', 1]);
  });
  await working(
    'train',
    async () => nothing,
    async () => {
      assert.equal((await ended(id)).status, 'succeeded');
    },
  );
  assert.equal((await taskOf(id)).attempt, 2);
  assert.equal(await store.event.count({ where: { runId: id, type: 'task-retried' } }), 0);
});

test('cancelling a run tells the worker that is at it, and nothing is tried again', async () => {
  const id = await runOf('train', { only: [1] });
  const { begun, handler } = patient();
  await working('train', handler, async () => {
    const signal = await begun;
    await cancelRun(store, id);
    await until('the worker knows', () => signal.aborted, 5);
    assert.equal((signal.reason as DiptychError).code, 'DIPTYCH_STALE_ATTEMPT');
  });
  const { status, attempt } = await taskOf(id);
  assert.deepEqual([status, attempt], ['cancelled', 1]);
});

test('the task of a worker that is no longer heard of goes to another, and the first cannot commit', async () => {
  const id = await runOf('generate', { only: [1] });
  const supervisor = await openQueue(url, true);
  const [hung, stop] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const written: number[] = [];
  const handler: TaskHandler = async ({ task }) => {
    if (task.attempt === 1) {
      hung.resolve();
      await stop.promise;
    }
    return async () => {
      written.push(task.attempt);
    };
  };
  await working('generate', handler, async () => {
    await hung.promise;
    await until('the job was given up', async () => {
      await query(
        store,
        `UPDATE pgboss.job SET heartbeat_on = now() - interval '1 minute'
         WHERE state = 'active' AND name = 'generate' RETURNING id`,
      );
      return (await query(store, `SELECT id FROM pgboss.job WHERE state = 'retry' AND name = 'generate'`))
        .length;
    });
    await working('generate', handler, async () => {
      assert.equal((await ended(id)).status, 'succeeded');
      stop.resolve();
    });
  });
  await supervisor.stop({ graceful: false });
  assert.deepEqual(written, [2]);
  assert.equal((await getRun(store, id)).stages[0]!.done, 1);
});

test('a task whose workers died every time is failed with a reason', async () => {
  const id = await runOf('train', { only: [1] });
  const supervisor = await openQueue(url, true);
  await buryDeadTasks(store, supervisor, { parts: () => [], lost: async () => [] });
  const [job] = await boss.fetch('train');
  await query(
    store,
    `UPDATE pgboss.job SET retry_count = retry_limit, heartbeat_on = now() - interval '1 minute'
     WHERE id = $1::uuid RETURNING id`,
    job!.id,
  );
  const run = await until('the run has failed', async () => {
    const now = await getRun(store, id);
    return now.status === 'failed' && now;
  });
  await supervisor.stop({ graceful: false });
  assert.match(run.error!, /^stage "only": its worker ended without a word 5 times/);
  assert.equal((await boss.getQueue(DEAD_LETTERS))!.name, DEAD_LETTERS);
});

/** Items of a task's payload, one of which can't be done. */
const POISON = 'poison';
const itemsOf = (payload: unknown) => (payload as { items: string[] }).items;

async function runWithPoison(): Promise<string> {
  const plan = await planOf(store, { draw: [4, 1], next: [1] }, 'generate');
  plan.stages[0]!.tasks[0]!.payload = { items: ['a', POISON, 'b', 'c'] };
  plan.stages[0]!.tasks[1]!.payload = { items: ['d'] };
  plan.stages[1]!.tasks[0]!.payload = { items: ['e'] };
  return createRun(store, boss, plan);
}

/** Fails tasks with the poison by the error; returns what was done, and how often it failed. */
async function poisoned(id: string, error: () => Error): Promise<{ done: string[]; failures: number }> {
  const { reason: _, ...lost } = await failureOf(store, 0, '');
  const items: TaskItems = {
    parts: ({ payload }) => itemsOf(payload).map((item) => ({ units: 1, payload: { items: [item] } })),
    lost: async () => [lost],
  };
  const done: string[] = [];
  let failures = 0;
  const handler: TaskHandler = async ({ task }) => {
    if (itemsOf(task.payload).includes(POISON)) {
      failures++;
      throw error();
    }
    return async () => {
      done.push(...itemsOf(task.payload));
    };
  };
  const end = async () => {
    await ended(id);
  };
  await working('generate', handler, end, items);
  return { done: done.sort(), failures };
}

for (const [what, error, tries] of [
  ['an error that may pass', () => new Error('this one is poison'), 2 * (RETRY_LIMIT + 1)],
  ['a file that is broken', () => new DiptychError('DIPTYCH_BAD_FILE', 'this one is poison'), 2],
] as const) {
  test(`an item that fails its task every time fails alone, with its reason, and its run goes on: ${what}`, async () => {
    const id = await runWithPoison();
    const { done, failures } = await poisoned(id, error);
    const { status, stages } = await getRun(store, id);
    assert.deepEqual([status, stages[0]!.done, stages[0]!.dropped], ['succeeded', 5, 1]);
    assert.deepEqual(done, ['a', 'b', 'c', 'd', 'e']);
    assert.equal(failures, tries);
    const [letter] = await listDeadLetters(store, null, 1);
    assert.deepEqual([letter!.runId, letter!.reason, letter!.lost], [id, 'this one is poison', ['failing']]);
  });
}

for (const error of [
  () => new DiptychError('DIPTYCH_BLOBS_UNAVAILABLE', 'the server is away'),
  () => Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }),
]) {
  test(`what no item can help is not put down to one: ${error().message}`, async () => {
    const id = await runWithPoison();
    const { done, failures } = await poisoned(id, error);
    const run = await getRun(store, id);
    assert.deepEqual([run.status, run.error], ['failed', `stage "draw": ${error().message}`]);
    assert.deepEqual([done, failures], [['d'], RETRY_LIMIT + 1]);
    assert.deepEqual(
      (await store.task.findMany({ where: { runId: id, ordinal: 0 } })).map(({ units }) => units).sort(),
      [1, 4],
    );
  });
}

test('idle workers listen for jobs, also on queues that an earlier release made', async () => {
  await query(store, `UPDATE pgboss.queue SET notify = false WHERE name = 'score' RETURNING name`);
  const worker = await openQueue(url, false, 'score');
  try {
    assert.equal((await worker.getQueue('score'))?.notify, true);
    const listening = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'LISTEN %'`;
    assert.equal((await query(store, listening)).length, 1);
    const heard = Promise.withResolvers<void>();
    // It would ask by itself after half a minute.
    await worker.work('score', { pollingIntervalSeconds: 30 }, async () => heard.resolve());
    await until('it has found nothing', async () =>
      worker.getWipData().some(({ lastFetchedOn }) => lastFetchedOn),
    );
    await runOf('score', { score: [1] });
    await heard.promise;
  } finally {
    await worker.stop({ graceful: false });
  }
});

/** Clocks that are set: leases end and what waits is done, all the same. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { forgetFuture } from '../../src/jobs/clock.ts';
import { openQueue, type TaskJob } from '../../src/jobs/queue.ts';
import { openStore, query } from '../../src/store/client.ts';
import { migrate } from '../../src/store/migrate.ts';
import { useDatabase } from '../database.ts';
import { startSteeredClock } from '../faults/clock.ts';
import { until } from '../wait.ts';

const HOUR = 3600;
const database = await useDatabase();

async function queueOn(t: TestContext, url: string) {
  await migrate(url);
  const store = openStore(url);
  const boss = await openQueue(url, true);
  t.after(async () => {
    await boss.stop({ graceful: false });
    await store.$disconnect();
  });
  return { store, boss };
}

test("a database's clock that was set back keeps no dead worker alive and no job waiting", async (t) => {
  const clock = await startSteeredClock();
  if (!clock) return t.skip('this machine has no g++, or is not Linux: its clock stays what it is');
  const { store, boss } = await queueOn(t, clock.environment.DATABASE_URL!);
  t.after(() => clock.stop());
  await boss.insert('train', [{ data: { taskId: 'of a dead worker' } }]);
  assert.equal((await boss.fetch('train')).length, 1);
  await boss.insert('score', [{ data: { taskId: 'waits' } }]);
  assert.equal(await forgetFuture(store), 0);
  await clock.set(-HOUR);
  assert.deepEqual(await boss.fetch('score'), [], 'it waits for the clock');
  assert.ok((await forgetFuture(store)) > 0);
  assert.equal((await boss.fetch<TaskJob>('score'))[0]!.data.taskId, 'waits');
  await until('the lease has ended', async () => {
    const jobs = await query<{ state: string }>(
      store,
      `SELECT state::text FROM pgboss.job WHERE name = 'train'`,
    );
    return jobs[0]!.state === 'retry';
  });
});

test("a worker's clock that was set back while it works makes no pause longer", async (t) => {
  const { boss } = await queueOn(t, database.url);
  const done: string[] = [];
  await boss.work<TaskJob>('score', { batchSize: 1, pollingIntervalSeconds: 0.5 }, async ([job]) => {
    const now = Date.now;
    if (done.length === 0) t.mock.method(Date, 'now', () => now() - 1000 * HOUR);
    done.push(job!.data.taskId);
  });
  await boss.insert('score', [{ data: { taskId: 'first' } }, { data: { taskId: 'second' } }]);
  // Not `until`, whose own patience goes by that clock.
  for (const deadline = performance.now() + 30_000; done.length < 2; ) {
    assert.ok(performance.now() < deadline, 'the second job waits for the clock');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

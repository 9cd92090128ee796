/** Every change of a run's state is killed in the middle, with SIGKILL, and must leave no trace. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';
import pg from 'pg';
import { buryTask, divideTask, retryDeadLetter } from '../../src/jobs/dead-letters.ts';
import { askExport } from '../../src/jobs/exports.ts';
import { cancelRun, createRun, getRun, pauseRun, resumeRun, retryRun } from '../../src/jobs/runs.ts';
import { commitTask, failTask, releaseTask } from '../../src/jobs/tasks.ts';
import { query } from '../../src/store/client.ts';
import { execute, useDatabase } from '../database.ts';
import { until } from '../wait.ts';
import { claim, exportPlan, failureOf, newRun, planOf, snapshot } from './plans.ts';

const { store, boss, url } = await useDatabase();
const GATE = 4711;

/** Connections of this name stop at the gate when they write an event or a job: late in every change. */
const DOOMED = 'doomed';
await execute(
  url,
  `CREATE FUNCTION stop_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
     IF current_setting('application_name') = '${DOOMED}' THEN PERFORM pg_advisory_xact_lock_shared(${GATE}); END IF;
     RETURN NEW; END $$`,
  'CREATE TRIGGER gate BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION stop_at_gate()',
  'CREATE TRIGGER gate BEFORE INSERT ON pgboss.job FOR EACH ROW EXECUTE FUNCTION stop_at_gate()',
);

const doomedConnections = (more = '') =>
  query(
    store,
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = '${DOOMED}' ${more}`,
  );

/** A task that was given up, of a run that has failed. */
async function deadLetter(): Promise<string> {
  const task = await claim(store, await createRun(store, boss, await planOf(store, { first: [1] })), 0, 0);
  await failTask(store, task, 'out of luck');
  return task.id;
}

test('a process killed in the middle of any change of a run', async () => {
  const [failed, running] = [
    await createRun(store, boss, await planOf(store, { first: [1] })),
    await newRun(store, boss),
  ];
  await failTask(store, await claim(store, failed, 0, 0), 'out of luck');
  const cancelled = await newRun(store, boss);
  const [job] = await boss.fetch('generate');
  const others = [await newRun(store, boss), await newRun(store, boss)];
  // An export that was cancelled gives way to one that is asked for again.
  const again = await exportPlan(store, await newRun(store, boss));
  await cancelRun(store, (await askExport(store, boss, again)).id);
  const work = {
    plan: await planOf(store, { first: [1], second: [2] }),
    commit: await claim(store, running, 0, 0),
    fail: await claim(store, others[0]!, 0, 0),
    release: await claim(store, others[1]!, 0, 0),
    jobId: job!.id,
    cancelled,
    failed,
    failure: await failureOf(store, 0, 'out of paper'),
    again,
    running: await newRun(store, boss),
    hurried: await newRun(store, boss),
    paused: await newRun(store, boss),
    deadly: await claim(store, await newRun(store, boss), 0, 0),
    parts: [1, 2].map((units) => ({ units, payload: {} })),
    dead: await claim(store, await newRun(store, boss), 0, 0),
    letter: await deadLetter(),
  };
  await pauseRun(store, work.paused);
  const before = await snapshot(store);

  const gate = new pg.Client({ connectionString: url });
  await gate.connect();
  await gate.query('SELECT pg_advisory_lock($1)', [GATE]);
  const doomed = spawn(
    process.execPath,
    [...process.execArgv, path.join(import.meta.dirname, 'doomed-changes.ts'), JSON.stringify(work)],
    { env: { ...process.env, DATABASE_URL: `${url}?application_name=${DOOMED}` }, stdio: 'inherit' },
  );
  const exited = once(doomed, 'exit');
  try {
    await until('all thirteen changes stand at the gate', async () => {
      assert.equal(doomed.exitCode, null, 'the doomed process ended by itself');
      return (await doomedConnections("AND wait_event = 'advisory'")).length === 13;
    });
  } finally {
    doomed.kill('SIGKILL');
    await exited;
    await gate.end();
  }
  await until('the server has noticed', async () => (await doomedConnections()).length === 0);
  assert.deepEqual(await snapshot(store), before);

  // And everything can still be done.
  const nothing = async () => {};
  await commitTask(store, boss, work.commit, nothing);
  await failTask(store, work.fail, 'out of luck');
  await releaseTask(store, boss, work.release, work.jobId);
  await cancelRun(store, cancelled);
  await retryRun(store, boss, failed);
  const created = await createRun(store, boss, work.plan);
  assert.equal((await askExport(store, boss, again)).created, true);
  await pauseRun(store, work.running);
  await resumeRun(store, boss, work.paused);
  await divideTask(store, boss, work.deadly, work.parts);
  await buryTask(store, boss, work.dead, [work.failure], 'its workers died');
  await retryDeadLetter(store, boss, work.letter);
  const statuses = [failed, running, cancelled, created].map(async (id) => (await getRun(store, id)).status);
  assert.deepEqual(await Promise.all(statuses), ['running', 'running', 'cancelled', 'running']);
});

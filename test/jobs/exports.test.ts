/** What is asked for twice is made once; what failed gives way; what is deleted can't come back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askExport, deleteExport, getExport, listExports } from '../../src/jobs/exports.ts';
import { cancelRun, getRun } from '../../src/jobs/runs.ts';
import { commitTask, failTask, reportProgress } from '../../src/jobs/tasks.ts';
import { useDatabase } from '../database.ts';
import { claim, exportPlan, newRun, snapshot } from './plans.ts';

const { store, boss } = await useDatabase();
const source = await newRun(store, boss);
const nothing = async () => {};

test('an export is a run that says of what it is', async () => {
  const { id, created } = await askExport(store, boss, await exportPlan(store, source));
  assert.equal(created, true);
  const { sourceId, version, layout, kind, status, stages } = await getExport(store, id);
  assert.deepEqual(
    [sourceId, version, layout, kind, status],
    [source, 'first', 'images', 'export', 'running'],
  );
  assert.equal(stages[0]!.total, 3);
  await assert.rejects(getExport(store, source), {
    code: 'DIPTYCH_NOT_FOUND',
    message: `there is no export ${source}`,
  });
});

test('of many that ask for the same at once, one makes it', async () => {
  const plan = await exportPlan(store, source, 'at once');
  const answers = await Promise.all(Array.from({ length: 5 }, () => askExport(store, boss, plan)));
  assert.equal(new Set(answers.map(({ id }) => id)).size, 1);
  assert.equal(answers.filter(({ created }) => created).length, 1);
});

test('another version, layout, writer or source is another export', async () => {
  const plan = await exportPlan(store, source, 'one');
  const { id } = await askExport(store, boss, plan);
  assert.deepEqual(await askExport(store, boss, plan), { id, created: false });
  const changes = [
    { version: 'two' },
    { layout: 'folders' },
    { writer: '' },
    { sourceId: await newRun(store, boss) },
  ];
  for (const change of changes) {
    const other = await askExport(store, boss, { ...plan, ...change });
    assert.equal(other.created, true, JSON.stringify(change));
  }
});

test('one that is there stays; one that failed or was cancelled gives way', async () => {
  const plan = await exportPlan(store, source, 'fate');
  const succeeded = await askExport(store, boss, plan);
  await commitTask(store, boss, await claim(store, succeeded.id, 0, 0), nothing);
  assert.deepEqual(await askExport(store, boss, plan), { id: succeeded.id, created: false });

  const other = await exportPlan(store, source, 'ill fate');
  const failed = await askExport(store, boss, other);
  await failTask(store, await claim(store, failed.id, 0, 0), 'no disk');
  const cancelled = await askExport(store, boss, other);
  assert.equal(cancelled.created, true);
  await assert.rejects(getRun(store, failed.id), { code: 'DIPTYCH_NOT_FOUND' });
  await cancelRun(store, cancelled.id);
  const last = await askExport(store, boss, other);
  assert.deepEqual([last.created, (await getExport(store, last.id)).status], [true, 'running']);
});

test('a worker whose export was deleted or replaced is stale, and changes no row', async () => {
  const plan = await exportPlan(store, source, 'stale');
  const deleted = await askExport(store, boss, plan);
  const orphan = await claim(store, deleted.id, 0, 0);
  await deleteExport(store, deleted.id);
  await assert.rejects(deleteExport(store, deleted.id), { code: 'DIPTYCH_NOT_FOUND' });
  const replaced = await askExport(store, boss, plan);
  const stale = await claim(store, replaced.id, 0, 0);
  await cancelRun(store, replaced.id);
  await askExport(store, boss, plan);
  const before = await snapshot(store);
  for (const task of [orphan, stale]) {
    assert.equal(await reportProgress(store, task, 0.5), 'lost');
    await assert.rejects(commitTask(store, boss, task, nothing), { code: 'DIPTYCH_STALE_ATTEMPT' });
    await assert.rejects(failTask(store, task, 'late'), { code: 'DIPTYCH_STALE_ATTEMPT' });
  }
  assert.deepEqual(await snapshot(store), before);
});

test('a run that is no export is not deleted as one', async () => {
  await assert.rejects(deleteExport(store, source), { code: 'DIPTYCH_NOT_FOUND' });
  assert.equal((await getRun(store, source)).id, source);
});

test('the exports of a run are listed page by page', async () => {
  const run = await newRun(store, boss);
  for (const version of ['a', 'b', 'c']) await askExport(store, boss, await exportPlan(store, run, version));
  const first = await listExports(store, run, undefined, 2);
  const rest = await listExports(store, run, first[1]!.id, 2);
  assert.deepEqual([...first, ...rest].map(({ version }) => version).sort(), ['a', 'b', 'c']);
});

/** `diptych runs`, `sets` and `watch` against the real API. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXIT } from '../../src/cli/command.ts';
import { appendEvent } from '../../src/jobs/events.ts';
import { claimTask, failTask } from '../../src/jobs/tasks.ts';
import { useApp } from '../api/app.ts';
import { scoredRun } from '../api/scored-run.ts';
import { scenes } from '../scenes.ts';
import { until } from '../wait.ts';
import { diptych } from './run-command.ts';

const context = await useApp();
const { store, send, listen } = context;
const url = await listen();
const scored = await scoredRun(context, 12, 'shapes');

const cli = (...argv: string[]) => diptych(...argv, '--url', url);
async function json<T = { id: string; status: string }>(...argv: string[]): Promise<T> {
  const { code, stdout, stderr } = await cli(...argv, '--json');
  assert.deepEqual([code, stderr], [0, ''], argv.join(' '));
  return JSON.parse(stdout);
}

test('a run is asked for with defaults; flags, file and single settings add up', async () => {
  const plain = await cli('runs', 'start');
  assert.equal(plain.code, 0, plain.stderr);
  const [, id] = /^run (\S+): curate-then-train of "shapes"\n$/.exec(plain.stdout)!;
  assert.match(plain.stderr, new RegExp(`diptych watch ${id}`));
  const flags = ['--from', scored, '--settings', '{"seed": 3, "train": {"steps": 9}}'];
  const single = ['--with', 'train.steps=7', '--with', 'reward.weights={"dpg":1}', '--with', 'model=sample'];
  const run = await json<{ kind: string; settings: Record<string, Record<string, unknown>> }>(
    ...['runs', 'start', 'train', '--set', 'shapes', ...flags, ...single],
  );
  const { sourceRun, seed, train, reward } = run.settings;
  assert.deepEqual([run.kind, sourceRun, seed], ['train', scored, 3]);
  assert.deepEqual([train!.steps, reward!.weights], [7, { dpg: 1 }]);
  const wrong = await cli('runs', 'start', '--with', 'candidates=1');
  assert.equal(wrong.code, EXIT.refused);
  assert.match(wrong.stderr, /^DIPTYCH_INVALID_INPUT: settings.candidates is 1/);
});

test('runs are listed newest first and by what they are; one is shown, stopped, and not tried again', async () => {
  const all = await json<{ id: string; status: string; kind: string }[]>('runs');
  assert.deepEqual(all, (await send('GET', '/v1/runs')).body.items);
  const trains = await json<{ id: string }[]>('runs', '--kind', 'train', '--status', all[0]!.status);
  assert.deepEqual(
    trains.map(({ id }) => id),
    all.filter(({ kind }) => kind === 'train').map(({ id }) => id),
  );
  assert.equal((await json<unknown[]>('runs', '--limit', '1')).length, 1);
  assert.deepEqual(await json('runs', '--set', 'none'), []);
  assert.match(
    (await cli('runs')).stdout,
    new RegExp(`^${all[0]!.id} +train +shapes +${all[0]!.status}`, 'm'),
  );

  const { id } = trains[0]!;
  assert.deepEqual(await json('runs', 'show', id), (await send('GET', `/v1/runs/${id}`)).body);
  const shown = (await cli('runs', 'show', id)).stdout;
  assert.match(shown, /^train of "shapes", asked for .*\n {2}train +░+ +0% {2}/);
  assert.equal((await json('runs', 'cancel', id)).status, 'cancelled');
  const again = await cli('runs', 'retry', id, '--json');
  assert.deepEqual([again.code, again.stdout], [EXIT.refused, '']);
  assert.equal(JSON.parse(again.stderr).error.code, 'DIPTYCH_CONFLICT');
  assert.deepEqual(await json('runs', 'failures', id), []);
});

test('a run is paused, given a priority, and goes on', async () => {
  const { id } = await json('runs', 'start', '--set', 'shapes');
  assert.equal((await json('runs', 'pause', id)).status, 'paused');
  assert.match((await cli('runs', 'pause', id)).stderr, /^DIPTYCH_CONFLICT: .*paused/);
  const { priority } = await json<{ priority: string }>('runs', 'priority', id, 'high');
  assert.equal(priority, 'high');
  const wrong = await cli('runs', 'priority', id, 'urgent');
  assert.equal(wrong.code, EXIT.usage);
  assert.match(wrong.stderr, /"urgent"/);
  assert.notEqual((await json('runs', 'resume', id)).status, 'paused');
  assert.equal((await send('GET', `/v1/runs/${id}`)).body.priority, 'high');
});

test('what was given up is listed and tried again; workers are listed', async () => {
  const { id: runId } = await json('runs', 'start', '--set', 'shapes');
  const task = await store.task.findFirstOrThrow({ where: { runId } });
  const claimed = await claimTask(store, task.id);
  await failTask(store, claimed!, 'the disk is full');
  const [letter] = await json<{ id: string; reason: string }[]>('dead-letters');
  assert.equal(letter!.reason, 'the disk is full');
  assert.match(
    (await cli('dead-letters')).stdout,
    new RegExp(`^${letter!.id} +${runId} .*the disk is full$`, 'm'),
  );
  assert.deepEqual(await json('dead-letters', 'retry', letter!.id), { id: letter!.id });
  assert.equal((await cli('dead-letters')).stdout, 'nothing was given up\n');
  assert.equal((await cli('dead-letters', 'retry', letter!.id)).code, EXIT.refused);
  assert.deepEqual(await json('workers'), (await send('GET', '/v1/workers')).body.items);
});

test('sets are counted; which one is meant has to be said where there are two', async () => {
  assert.match((await cli('sets')).stdout, /^shapes +12$/m);
  await send('POST', '/v1/annotation-sets/more/annotations', scenes(1));
  const asked = await cli('runs', 'start');
  assert.equal(asked.code, EXIT.usage);
  assert.match(asked.stderr, /^--set is missing; there are more, shapes\n/);
});

/** A run whose stage goes on and ends by hand. */
async function running() {
  const set = await store.annotationSet.findFirstOrThrow({ where: { name: 'shapes' } });
  const stage = { ordinal: 0, name: 'generate', status: 'running' as const, total: 10, secondsPerUnit: 1 };
  const { id } = await store.run.create({
    data: { kind: 'curate', setId: set.id, status: 'running', settings: {}, stages: { create: stage } },
  });
  await appendEvent(store, id, 'stage-started', { stage: 'generate', tasks: 1 });
  const end = async (status: 'succeeded' | 'failed') => {
    const error = status === 'failed' ? 'the disk is full' : null;
    await store.run.update({ where: { id }, data: { status, error, finishedAt: new Date() } });
    if (status === 'failed') await appendEvent(store, id, 'run-failed', { error: error! });
    else await appendEvent(store, id, 'run-succeeded', {});
  };
  return { id, end };
}

test('a run is watched to its end, which is the exit code', async () => {
  for (const [status, code] of [
    ['succeeded', EXIT.done],
    ['failed', EXIT.failed],
  ] as const) {
    const { id, end } = await running();
    const watching = cli('watch', id);
    await end(status);
    const said = await watching;
    assert.equal(said.code, code, said.stderr);
    assert.match(said.stderr, /^\d\d:\d\d:\d\d {2}stage-started {2}stage generate, tasks 1$/m);
    assert.match(said.stderr, new RegExp(`^\\S+ {2}run-${status}`, 'm'));
    assert.match(said.stdout, new RegExp(`^run ${id} ${status} after `));
    assert.equal(/the disk is full/.test(said.stdout), status === 'failed');
  }
  const { id } = await running();
  const watching = cli('watch', id, '--json');
  await until('it is cancelled', async () => (await cli('runs', 'cancel', id)).code === 0);
  const said = await watching;
  const events = said.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual([said.code, said.stderr], [EXIT.cancelled, '']);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['stage-started', 'run-cancelled'],
  );
  assert.equal(events[0].stage, 'generate');
  const none = await cli('watch', '00000000-0000-4000-8000-000000000000');
  assert.deepEqual([none.code, none.stdout], [EXIT.refused, '']);
});

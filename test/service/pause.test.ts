/**
 * The real service: a training that is paused lets the other go first, stays paused though every process is killed, and
 * goes on with the next step to the bits of the undisturbed one.
 */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { openClient, type RunRequest } from '../../clients/typescript/client.ts';
import { readTelemetry } from '../../src/training/telemetry/telemetry.ts';
import { scenes } from '../scenes.ts';
import { until } from '../wait.ts';
import { SET, startHome } from './home.ts';
import { isRunning, startedIn } from './processes.ts';

/** Seconds that a part may take on a busy machine. */
const SLOW = 120;
const common = { candidates: 2, heldOutFraction: 0, sampling: { steps: 4 }, pairs: { margin: 0 } };
/** Of its own accord it writes no checkpoint before the end. */
const train = { steps: 40, pairsPerStep: 1, inversionSteps: 2, checkpointEvery: 1000, warmUp: 2 };

test('a paused training survives kills and goes on from its step, and the worker is free meanwhile', {
  timeout: 400_000,
}, async (t) => {
  const { home, service, store, log } = await startHome(t, scenes(6));
  const client = openClient(service.url);
  const ask = (kind: RunRequest['kind'], settings: object) =>
    client.createRun({ kind, annotationSet: SET, settings });
  const act = async (id: string, action: string) => {
    const answer = await fetch(`${service.url}/v1/runs/${id}/${action}`, { method: 'POST' });
    assert.equal(answer.status, 200, await answer.text());
  };
  const succeeded = async (id: string) => {
    const { status, error } = await client.watchRun(id);
    assert.deepEqual([status, error], ['succeeded', null]);
  };
  const source = await ask('curate', common);
  await succeeded(source.id);
  const settings = { ...common, train, sourceRun: source.id };
  const [disturbed, calm] = [await ask('train', settings), await ask('train', settings)];
  const folder = path.join(home, 'runs', disturbed.id, 'train');
  const steps = async () =>
    (await Array.fromAsync(readTelemetry(path.join(folder, 'telemetry.jsonl')))).map(({ step }) => step);

  await until('the training is on its way', async () => (await steps()).length >= 3, SLOW);
  await act(disturbed.id, 'pause');
  const taskState = async () =>
    (await store.task.findFirstOrThrow({ where: { runId: disturbed.id } })).status;
  await until('its task is handed back', async () => (await taskState()) === 'waiting', SLOW);
  const at = (await steps()).at(-1)!;
  assert.ok(at < train.steps, 'too late: the training was over');
  assert.deepEqual(await readdir(path.join(folder, 'checkpoints')), [`step-${at}`]);
  await succeeded(calm.id);

  const before = startedIn(log.join('\n'));
  for (const pid of before.filter(isRunning)) process.kill(pid, 'SIGKILL');
  await until(
    'all processes are there again',
    () => startedIn(log.join('\n')).length === 2 * before.length,
    SLOW,
  );
  const again = await until('the API answers', () => client.getRun(disturbed.id).catch(() => null), SLOW);
  assert.deepEqual([again.status, again.secondsLeft, await taskState()], ['paused', null, 'waiting']);
  assert.equal((await steps()).at(-1), at);

  await act(disturbed.id, 'resume');
  await succeeded(disturbed.id);
  assert.deepEqual(
    await steps(),
    Array.from({ length: train.steps }, (_, i) => i + 1),
  );
  const model = async (runId: string) =>
    (await store.artifact.findFirstOrThrow({ where: { runId, name: 'model' } })).sha256;
  assert.equal(await model(disturbed.id), await model(calm.id));
});

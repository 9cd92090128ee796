/** A training that goes on on another machine, from what the first one put into the bucket. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ClaimedTask, claimTask } from '../../src/jobs/tasks.ts';
import { log } from '../../src/log.ts';
import { folderArtifacts } from '../../src/store/artifact-files.ts';
import { lookUpArtifact } from '../../src/store/artifacts.ts';
import { s3Artifacts } from '../../src/store/s3-artifacts.ts';
import { trainingFolder } from '../../src/store/training-folder.ts';
import { checkpointSteps } from '../../src/training/checkpoints/checkpoint.ts';
import { isCheckpoint } from '../../src/training/checkpoints/snapshot.ts';
import { shareTraining } from '../../workers/train/shared-training.ts';
import { useDatabase } from '../database.ts';
import { newRun } from '../jobs/plans.ts';
import { memoryBucket } from '../store/memory-bucket.ts';
import { temporaryFolder } from '../temporary.ts';

const { store, boss } = await useDatabase();

async function task(): Promise<ClaimedTask> {
  const runId = await newRun(store, boss);
  const { id } = await store.task.findFirstOrThrow({ where: { runId, ordinal: 0 } });
  return (await claimTask(store, id))!;
}

/** As training leaves it: the checkpoints of these steps, telemetry up to a step, a grid, and what stays here. */
async function trained(folder: string, steps: number[], upTo: number): Promise<void> {
  await rm(path.join(folder, 'checkpoints'), { recursive: true, force: true });
  for (const step of steps) {
    const checkpoint = path.join(folder, 'checkpoints', `step-${step}`);
    await mkdir(path.join(checkpoint, 'model'), { recursive: true });
    await writeFile(path.join(checkpoint, 'optimizer.safetensors'), `state ${step}`);
    await writeFile(path.join(checkpoint, 'state.json'), `{"step":${step}}`);
    await writeFile(path.join(checkpoint, 'model', 'weights'), `weights ${step}`);
  }
  await mkdir(path.join(folder, 'validation'), { recursive: true });
  await writeFile(path.join(folder, 'validation', 'step-0.png'), 'grid');
  await writeFile(path.join(folder, 'validation', 'step-9.png.tmp'), 'half a grid');
  const lines = Array.from({ length: upTo }, (_, i) => `{"step":${i + 1}}\n`);
  await writeFile(path.join(folder, 'telemetry.jsonl'), lines.join(''));
}

async function machines(t: TestContext) {
  const bucket = memoryBucket();
  const machine = async () => {
    const home = await temporaryFolder(t);
    return {
      artifacts: s3Artifacts(bucket, path.join(home, 'artifacts')),
      folder: path.join(home, 'runs', 'r', 'train'),
    };
  };
  const [one, two] = [await machine(), await machine()];
  const share = ({ artifacts, folder }: typeof one, of: ClaimedTask) =>
    shareTraining({ store, artifacts }, of, folder);
  return { bucket, one, two, share };
}

test('another machine begins with the newest checkpoint and what was seen so far; older ones leave the bucket', async (t) => {
  const { bucket, one, two, share } = await machines(t);
  const first = await task();
  const shared = await share(one, first);
  await trained(one.folder, [2], 3);
  shared.changed();
  await shared.settled();
  await trained(one.folder, [4, 6], 7);
  shared.changed();
  shared.changed();
  await shared.settled();
  assert.ok(!existsSync(`${one.folder}.snapshot`));

  const second = (await claimTask(store, first.id))!;
  await share(two, second);
  assert.deepEqual(checkpointSteps(two.folder), [6, 4]);
  const read = (...name: string[]) => readFile(path.join(two.folder, ...name), 'utf8');
  assert.equal(await read('checkpoints', 'step-6', 'optimizer.safetensors'), 'state 6');
  assert.equal((await read('telemetry.jsonl')).split('\n').length, 8);
  assert.equal(await read('validation', 'step-0.png'), 'grid');
  // The weights for people are made of the state; of the checkpoint of step 2 and the earlier telemetry nothing is left.
  assert.deepEqual(
    [...bucket.objects.values()]
      .map(String)
      .filter((content) => !content.includes('"step":1}'))
      .sort(),
    ['grid', 'state 4', 'state 6', '{"step":4}', '{"step":6}'],
  );
  assert.equal([...bucket.objects.values()].filter((bytes) => String(bytes).includes('"step":1}')).length, 1);

  const places = { trainFolder: () => '/nowhere' };
  const sources = { store, artifacts: two.artifacts, places };
  const seen = await trainingFolder(sources, first.runId, (name) => !isCheckpoint(name));
  assert.deepEqual([existsSync(path.join(seen, 'telemetry.jsonl')), checkpointSteps(seen)], [true, []]);
  assert.equal(
    await trainingFolder({ ...sources, artifacts: folderArtifacts }, first.runId, () => true),
    '/nowhere',
  );
});

test('a stale attempt puts nothing in the place of what the newer one left, and takes nothing away', async (t) => {
  const { one, two, share } = await machines(t);
  const first = await task();
  const stale = await share(one, first);
  await trained(one.folder, [2], 2);
  await stale.settled();
  const newer = await share(two, (await claimTask(store, first.id))!);
  await trained(two.folder, [2, 4], 4);
  await newer.settled();
  const before = await lookUpArtifact(store, first.runId, 'training');
  await trained(one.folder, [6], 6);
  await assert.rejects(stale.settled(), { code: 'DIPTYCH_STALE_ATTEMPT' });
  assert.deepEqual(await lookUpArtifact(store, first.runId, 'training'), before);
  const { one: third } = await machines(t);
  await two.artifacts.fetchInto(first.runId, before!, third.folder);
  assert.deepEqual(checkpointSteps(third.folder), [4, 2]);
});

test('a machine that is further than the bucket keeps what it has', async (t) => {
  const { one, share } = await machines(t);
  const first = await task();
  const shared = await share(one, first);
  await trained(one.folder, [2], 2);
  await shared.settled();
  await trained(one.folder, [2, 4], 4);
  await share(one, (await claimTask(store, first.id))!);
  assert.deepEqual(checkpointSteps(one.folder), [4, 2]);
  assert.ok(existsSync(path.join(one.folder, 'checkpoints', 'step-4', 'model')));
});

test('a bucket that is away costs no training; the next checkpoint is put there', async (t) => {
  const said = t.mock.method(log, 'warn', () => {});
  const { bucket, one, share } = await machines(t);
  const first = await task();
  const shared = await share(one, first);
  await trained(one.folder, [2], 2);
  const away = t.mock.method(bucket, 'has', () => Promise.reject(new Error('no answer')));
  shared.changed();
  await assert.rejects(shared.settled(), { message: 'no answer' });
  const [facts, message] = said.mock.calls[0]!.arguments as unknown as [{ run: string; err: Error }, string];
  assert.deepEqual([facts.run, facts.err.message], [first.runId, 'no answer']);
  assert.match(message, /stays on this machine for now/);
  assert.equal(await lookUpArtifact(store, first.runId, 'training'), null);
  away.mock.restore();
  shared.changed();
  await shared.settled();
  assert.ok(await lookUpArtifact(store, first.runId, 'training'));
});

test('with one disk, and for a training of another program, nothing is put anywhere', async (t) => {
  const { bucket, one, share } = await machines(t);
  const first = await task();
  await trained(one.folder, [2], 2);
  const alone = await shareTraining({ store, artifacts: folderArtifacts }, first, one.folder);
  alone.changed();
  await alone.settled();
  await rm(one.folder, { recursive: true });
  await (await share(one, first)).settled();
  assert.equal(await lookUpArtifact(store, first.runId, 'training'), null);
  assert.equal(bucket.objects.size, 0);
});

/**
 * A service on many machines, as docker-compose.yml has it: an API, two generate workers, a score and a train worker
 * over a real PostgreSQL and a real S3 server, each with a home of its own that no other can see. The train worker's
 * machine is lost on the way, and another one goes on.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { type ExportFile, openClient } from '../../clients/typescript/client.ts';
import { lookUpArtifact } from '../../src/store/artifacts.ts';
import { TRAINING } from '../../src/store/training-folder.ts';
import { snapshotSteps } from '../../src/training/checkpoints/snapshot.ts';
import { readTelemetry } from '../../src/training/telemetry/telemetry.ts';
import { useDatabase } from '../database.ts';
import { scenes } from '../scenes.ts';
import { missingForRadosgw, startRadosgw } from '../store/radosgw.ts';
import { temporaryFolder } from '../temporary.ts';
import { until } from '../wait.ts';

const MAIN = path.resolve(import.meta.dirname, '../../src/cli/main.ts');
const SETTINGS = {
  candidates: 2,
  heldOutFraction: 0.2,
  sampling: { steps: 4 },
  pairs: { margin: 0 },
  train: {
    ...{ steps: 16, pairsPerStep: 1, inversionSteps: 2, checkpointEvery: 2, warmUp: 2 },
    validation: { every: 8, annotations: 1 },
  },
};
/** Seconds that a part of the run may take on a busy machine. */
const SLOW = 240;

const database = await useDatabase();
const skip = missingForRadosgw.length > 0 && `this machine has no ${missingForRadosgw.join(', ')}`;

test('machines that share a database and a bucket, and no disk, curate and train; one is lost on the way', {
  skip,
  timeout: 900_000,
}, async (t) => {
  const gateway = await startRadosgw();
  const children: ChildProcess[] = [];
  t.after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await gateway.stop();
  });
  const env = {
    ...process.env,
    ...gateway.environment,
    DATABASE_URL: database.url,
    // The API says where it listens.
    DIPTYCH_LOG_LEVEL: 'info',
    DIPTYCH_BLOBS: 's3://diptych/store',
    HOST: '127.0.0.1',
    PORT: '0',
  };
  const { AWS_ENDPOINT_URL_S3: endpoint, AWS_REGION: region } = gateway.environment;
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' };
  const s3 = new S3Client({ forcePathStyle: true, endpoint, region, credentials });
  await s3.send(new CreateBucketCommand({ Bucket: 'diptych' }));

  /** Starts a command on a machine of its own. */
  async function machine(...command: string[]) {
    const home = await temporaryFolder(t);
    const child = spawn(process.execPath, [...process.execArgv, MAIN, ...command], {
      env: { ...env, DIPTYCH_HOME: home },
      // With a channel, whose end they notice when this test is killed.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    children.push(child);
    const one = { home, child, said: '' };
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => {
        one.said += text;
      });
    return one;
  }

  const api = await machine('api');
  const workers = [
    await machine('worker', 'generate'),
    await machine('worker', 'generate'),
    await machine('worker', 'score'),
  ];
  const lost = await machine('worker', 'train');
  const url = await until('the API listens', () => /"url":"(http[^"]+)"/.exec(api.said)?.[1], SLOW);
  assert.match(api.said, /"process":"api"/);
  const client = openClient(url);
  const get = (route: string, init?: RequestInit) => fetch(`${url}${route}`, init);
  const sent = await get('/v1/annotation-sets/shapes/annotations', {
    method: 'POST',
    body: JSON.stringify(scenes(8)),
  });
  assert.equal(sent.status, 200, await sent.text());
  const request = { kind: 'curate-then-train' as const, annotationSet: 'shapes', settings: SETTINGS };
  const { id } = await client.createRun(request);
  const { store } = database;

  const published = await until(
    'a checkpoint is in the bucket',
    async () => {
      const { status, error } = await client.getRun(id);
      assert.notEqual(status, 'failed', error ?? undefined);
      const training = await lookUpArtifact(store, id, TRAINING);
      const steps = snapshotSteps(training?.files?.map(({ name }) => name) ?? []);
      return steps.length > 0 && Math.max(...steps);
    },
    SLOW,
  );
  lost.child.kill('SIGKILL');
  const killed = Date.now() / 1000;
  await rm(lost.home, { recursive: true, force: true });
  assert.ok(
    (await store.task.findFirstOrThrow({ where: { worker: 'train' } })).status === 'running',
    'too late',
  );
  type Telemetry = { lastStep: number; bestStep: number | null; curves: Record<string, unknown> };
  const telemetry = async () => (await (await get(`/v1/runs/${id}/telemetry`)).json()) as Telemetry;
  const live = await telemetry();
  assert.ok(live.lastStep >= published && live.lastStep < SETTINGS.train.steps, `step ${live.lastStep}`);

  const successor = await machine('worker', 'train');
  const run = await client.watchRun(id, () => {});
  assert.deepEqual([run.status, run.error], ['succeeded', null]);
  assert.match(successor.said, /"process":"train"/);
  const steps = await Array.fromAsync(
    readTelemetry(path.join(successor.home, 'runs', id, 'train', 'telemetry.jsonl')),
  );
  assert.deepEqual(
    steps.map(({ step }) => step),
    Array.from({ length: SETTINGS.train.steps }, (_, i) => i + 1),
  );
  assert.ok(
    steps.slice(0, published).every(({ at }) => at < killed),
    'steps were taken again',
  );
  const done = await telemetry();
  assert.equal(done.lastStep, SETTINGS.train.steps);
  assert.ok(done.bestStep !== null && Object.keys(done.curves).some((name) => name.startsWith('validation')));

  // Everything comes from the API, whose own disk has seen nothing but copies.
  const report = await get(`/reports/${id}`);
  assert.match(await report.text(), /^<!doctype html>[\s\S]*validation/i);
  const whole = async (route: string) => {
    const answer = await get(route);
    assert.equal(answer.status, 200, route);
    return createHash('sha256')
      .update(Buffer.from(await answer.arrayBuffer()))
      .digest('hex');
  };
  const artifacts = await client.artifacts(id);
  const files = artifacts.flatMap(({ name, sha256, files }) =>
    files ? files.map((file) => ({ ...file, name: `${name}/${file.name}` })) : [{ name, sha256 }],
  );
  for (const name of ['report.html', 'summary.json', 'model/unet/config.json', 'export/pickapic'])
    assert.ok(
      files.some((file) => file.name === name || file.name.includes(name.replace('export/', ''))),
      name,
    );
  for (const { name, sha256 } of files)
    assert.equal(await whole(`/v1/runs/${id}/artifacts/${name}`), sha256, name);
  const summary = await get(`/v1/runs/${id}/artifacts/summary.json`, { headers: { range: 'bytes=0-0' } });
  assert.deepEqual([summary.status, await summary.text()], [206, '{']);

  const asked = await client.askExport(id, { layout: 'pickapic' });
  assert.equal((await client.watchRun(asked.id, () => {})).status, 'succeeded');
  const exported: ExportFile[] = await Array.fromAsync(client.exportFiles(asked.id));
  assert.ok(exported.length > 1);
  for (const { link, sha256 } of exported) assert.equal(await whole(link), sha256, link);
  const inBucket = async () => {
    const list = new ListObjectsV2Command({ Bucket: 'diptych', Prefix: `store/runs/${asked.id}/` });
    return (await s3.send(list)).KeyCount;
  };
  assert.equal(await inBucket(), new Set(exported.map(({ sha256 }) => sha256)).size);
  assert.equal((await get(`/v1/exports/${asked.id}`, { method: 'DELETE' })).status, 204);
  assert.equal(await inBucket(), 0);

  // Both generate workers worked, and no home has blobs.
  assert.ok(!existsSync(path.join(api.home, 'runs')));
  for (const { home } of [api, successor, ...workers]) assert.ok(!existsSync(path.join(home, 'blobs')));
  const models = await Promise.all(
    workers.slice(0, 2).map(({ home }) => readdir(path.join(home, 'artifacts', id)).catch(() => [])),
  );
  assert.ok(models.flat().includes('model'), 'no generate worker got the tuned model');

  const running = [api, successor, ...workers];
  const ended = running.map(({ child }) => new Promise((resolve) => child.once('exit', resolve)));
  for (const { child } of running) child.kill('SIGTERM');
  assert.deepEqual(
    await Promise.all(ended),
    running.map(() => 0),
  );
});

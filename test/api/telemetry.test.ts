/** Curves of a training over HTTP, while it runs and afterwards. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { appendFile, mkdir } from 'node:fs/promises';
import { test } from 'node:test';
import { ensureSet } from '../../src/store/annotations.ts';
import type { Curves } from '../../src/training/curves.ts';
import { telemetryFile } from '../../src/training/telemetry/run-telemetry.ts';
import { stepEntry } from '../training/step-entry.ts';
import { useApp } from './app.ts';

const { store, trainFolder, send } = await useApp();

async function newRun(): Promise<string> {
  const { id: setId } = await ensureSet(store, 'set');
  return (await store.run.create({ data: { kind: 'train', settings: {}, setId, status: 'running' } })).id;
}
async function curvesOf(id: string, query = '') {
  const { status, body } = await send('GET', `/v1/runs/${id}/telemetry${query}`);
  assert.equal(status, 200);
  return body as unknown as Curves;
}

test('a run under way shows the steps there are so far; before the first, none', async () => {
  const id = await newRun();
  assert.deepEqual(await curvesOf(id), { lastStep: 0, curves: {}, alarms: [], bestStep: null });
  await mkdir(trainFolder(id), { recursive: true });
  const line = (step: number) => `${JSON.stringify(stepEntry({ step, loss: 1 / step }))}\n`;
  const file = telemetryFile(trainFolder(id));
  await appendFile(file, line(1) + line(2) + line(3).slice(0, 20));
  assert.deepEqual((await curvesOf(id)).curves.loss, { steps: [1, 2], values: [1, 0.5] });
  await appendFile(file, line(3).slice(20) + line(4));
  const { lastStep, curves } = await curvesOf(id);
  assert.equal(lastStep, 4);
  assert.deepEqual(curves.loss!.values, [1, 0.5, 1 / 3, 0.25]);
  assert.deepEqual(curves['timestep-300/loserError']!.values, [0.003, 0.003, 0.003, 0.003]);
});

test('maxPoints bounds every curve, and neither a spike nor its alarm is lost', async () => {
  const id = await newRun();
  await mkdir(trainFolder(id), { recursive: true });
  const lines = Array.from(
    { length: 5000 },
    (_, i) => `${JSON.stringify(stepEntry({ step: i + 1, loss: i === 3210 ? 7 : 0.6 }))}\n`,
  );
  await appendFile(telemetryFile(trainFolder(id)), lines.join(''));
  const { lastStep, curves, alarms } = await curvesOf(id, '?maxPoints=20');
  assert.equal(lastStep, 5000);
  assert.ok(Object.values(curves).every(({ steps, values }) => steps.length <= 20 && values.length <= 20));
  assert.ok(curves.loss!.values.includes(7) && curves.loss!.steps.includes(3211));
  assert.deepEqual(
    alarms.map(({ step, kind }) => [step, kind]),
    [[3211, 'loss-spike']],
  );
});

test('buckets=false leaves out the curves of timestep ranges and no other', async () => {
  const id = await newRun();
  await mkdir(trainFolder(id), { recursive: true });
  await appendFile(telemetryFile(trainFolder(id)), `${JSON.stringify(stepEntry({}))}\n`);
  const [all, few] = [await curvesOf(id), await curvesOf(id, '?buckets=false')];
  const names = Object.keys(all.curves).filter((name) => !name.startsWith('timestep-'));
  assert.deepEqual(Object.keys(few.curves), names);
  assert.ok(names.length < Object.keys(all.curves).length);
});

test('runs asked for in turn, more than are kept ready, each get their own curves', async () => {
  const ids = await Promise.all(Array.from({ length: 12 }, newRun));
  for (const round of [1, 2]) {
    for (const [i, id] of ids.entries()) {
      await mkdir(trainFolder(id), { recursive: true });
      await appendFile(
        telemetryFile(trainFolder(id)),
        `${JSON.stringify(stepEntry({ step: round, loss: i + 1 }))}\n`,
      );
    }
    const answers = await Promise.all(ids.map((id) => curvesOf(id)));
    for (const [i, { lastStep, curves }] of answers.entries()) {
      assert.equal(lastStep, round);
      assert.deepEqual(curves.loss!.values, new Array(round).fill(i + 1));
    }
  }
});

test('too few points are refused, and so is a run that is not there', async () => {
  const id = await newRun();
  const few = await send('GET', `/v1/runs/${id}/telemetry?maxPoints=1`);
  assert.deepEqual([few.status, few.body.error.message], [400, 'maxPoints is 1, must be >= 2']);
  assert.equal((await send('GET', `/v1/runs/${randomUUID()}/telemetry`)).status, 404);
});

/** Two attempts at one training in one folder: the one that was frozen adds nothing to the other's files. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import {
  checkpointSteps,
  readNewestCheckpoint,
  removePartialCheckpoints,
  type Trained,
  writeCheckpoint,
} from '../../src/training/checkpoints/checkpoint.ts';
import { openTelemetry, readTelemetry } from '../../src/training/telemetry/telemetry.ts';
import { temporaryFolder } from '../temporary.ts';

test('an attempt that wakes up after another began adds no step, and learns it', async (t) => {
  const file = path.join(await temporaryFolder(t), 'telemetry.jsonl');
  const frozen = await openTelemetry<{ step: number }>(file, 0);
  for (const step of [1, 2, 3]) frozen({ step });
  const current = await openTelemetry<{ step: number }>(file, 2);
  assert.throws(() => frozen({ step: 4 }), /another attempt at this training has begun/);
  for (const step of [3, 4]) current({ step });
  assert.throws(() => frozen({ step: 5 }), /another attempt/);
  const steps = await Array.fromAsync(readTelemetry<{ step: number }>(file));
  assert.deepEqual(
    steps.map(({ step }) => step),
    [1, 2, 3, 4],
  );
  await rm(file);
  assert.throws(() => current({ step: 5 }), /ENOENT/);
  assert.ok(!existsSync(file));
});

/** Of one parameter. `saving` happens while its weights are written. */
const trained = (step: number, saving: (folder: string) => Promise<void> = async () => {}): Trained => ({
  state: () => ({
    step,
    parameters: Float32Array.of(step),
    m: Float32Array.of(0),
    v: Float32Array.of(0),
  }),
  async save(folder) {
    await saving(folder);
    await writeFile(path.join(folder, 'weights'), 'whole');
  },
});

test('two attempts that write the same checkpoint at once leave one that is whole', async (t) => {
  const folder = await temporaryFolder(t);
  // The one that was frozen goes on in the middle of the other's writing.
  await writeCheckpoint(
    folder,
    trained(2, () => writeCheckpoint(folder, trained(2))),
  );
  assert.deepEqual(checkpointSteps(folder), [2]);
  assert.equal(await readFile(path.join(folder, 'checkpoints', 'step-2', 'weights'), 'utf8'), 'whole');
  assert.deepEqual((await readNewestCheckpoint(folder))!.parameters, Float32Array.of(2));
});

test('what an earlier attempt left half written goes, and if it still writes it fails', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(path.join(folder, 'checkpoints', 'step-1.killed.partial'), { recursive: true });
  const late = writeCheckpoint(
    folder,
    trained(2, () => removePartialCheckpoints(folder)),
  );
  await assert.rejects(late, { code: 'ENOENT' });
  assert.deepEqual(await readdir(path.join(folder, 'checkpoints')), []);
});

/** Training runs that are killed, and whether a run that went on ended as one that was left alone. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { scalarsOf } from '../../src/training/telemetry/scalars.ts';
import { readTelemetry } from '../../src/training/telemetry/telemetry.ts';
import { eventFileStart, scalarEvent } from '../../src/training/telemetry/tensorboard.ts';
import type { TrainProgress } from '../../src/training/train.ts';
import { telemetryOf, tunedWeights } from './tiny.ts';
import type { ChildArguments } from './train-child.ts';

/** Trains in a child process until `enough` of its messages, then kills it. */
export async function killed(
  child: ChildArguments,
  enough: (message: TrainProgress) => boolean,
): Promise<void> {
  const script = path.join(import.meta.dirname, 'train-child.ts');
  const process = fork(script, [JSON.stringify(child)], { stdio: 'inherit' });
  const ended = once(process, 'exit');
  process.on('message', (message: TrainProgress) => {
    if (enough(message)) process.kill('SIGKILL');
  });
  assert.deepEqual(await ended, [null, 'SIGKILL']);
}

/** Fails unless both runs left the same weights, bit for bit, and the same telemetry but for the time. */
export async function assertSameRun(folder: string, undisturbed: string): Promise<void> {
  assert.ok((await tunedWeights(folder)).equals(await tunedWeights(undisturbed)), 'the weights differ');
  assert.deepEqual(await telemetryOf(folder), await telemetryOf(undisturbed));
  const entries = await Array.fromAsync(readTelemetry(path.join(folder, 'telemetry.jsonl')));
  const events = await readFile(path.join(folder, 'tensorboard', 'events.out.tfevents.0'));
  const records = entries.map((entry) => scalarEvent(entry.step, entry.at, scalarsOf(entry)));
  assert.ok(events.subarray(eventFileStart(0).length).equals(Buffer.concat(records)), 'the events differ');
}

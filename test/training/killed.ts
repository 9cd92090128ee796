/** A training run that is killed. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { TrainProgress } from '../../src/training/train.ts';
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

import assert from 'node:assert/strict';
import { appendFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { createRandom } from '../../src/random.ts';
import { curveSampler, readCurves } from '../../src/training/curves.ts';
import { temporaryFolder } from '../temporary.ts';
import { stepEntry } from './step-entry.ts';

function sampled(values: readonly number[], maxPoints: number) {
  const sampler = curveSampler(maxPoints);
  for (const [i, value] of values.entries()) sampler.add(i + 1, value);
  return sampler.curve();
}

test('a curve of no more points than asked for comes whole', () => {
  for (const count of [0, 1, 2, 99, 100]) {
    const values = Array.from({ length: count }, (_, i) => Math.sin(i));
    const { steps, values: got } = sampled(values, 100);
    assert.deepEqual(got, values);
    assert.deepEqual(
      steps,
      values.map((_, i) => i + 1),
    );
  }
});

test('a longer one has at most so many points, at least a quarter of them, real ones in rising order', () => {
  for (const maxPoints of [2, 3, 7, 50, 101]) {
    for (const count of [maxPoints + 1, 2 * maxPoints + 1, 1000, 1023, 1024, 1025]) {
      if (count <= maxPoints) continue;
      const random = createRandom(count);
      const values = Array.from({ length: count }, () => random.normal());
      const { steps, values: got } = sampled(values, maxPoints);
      assert.ok(
        steps.length <= maxPoints && steps.length >= maxPoints / 4,
        `${steps.length} of ${maxPoints}`,
      );
      assert.ok(steps.every((step, i) => i === 0 || step > steps[i - 1]!));
      assert.deepEqual(
        got,
        steps.map((step) => values[step - 1]),
      );
    }
  }
});

test('the least and the greatest value of every span stay: no spike is lost, wherever it is', () => {
  for (const at of [0, 1, 500, 12_345, 99_998, 99_999]) {
    const values = new Array<number>(100_000).fill(0.5);
    values[at] = 9;
    const { steps, values: got } = sampled(values, 200);
    assert.equal(got.filter((value) => value === 9).length, 1);
    assert.ok(steps.includes(at + 1));
  }
});

test('spans are equal: a ramp keeps both ends of each', () => {
  const { steps } = sampled(
    Array.from({ length: 64 }, (_, i) => i),
    8,
  );
  assert.deepEqual(steps, [1, 16, 17, 32, 33, 48, 49, 64]);
});

test('curves of a file: every scalar by name, buckets apart, alarms with them', async (t) => {
  const file = path.join(await temporaryFolder(t), 'telemetry.jsonl');
  assert.deepEqual(await readCurves(file, 10), { lastStep: 0, curves: {}, alarms: [] });
  const bucket = { rows: 1, inside: 0, accuracy: 0.5, winnerError: 0, loserError: 0 };
  const entries = [1, 2, 3].map((step) =>
    stepEntry({ step, loss: step / 2, buckets: [{ ...bucket, from: 100 * step }] }),
  );
  await writeFile(file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  const { lastStep, curves, alarms } = await readCurves(file, 10);
  assert.equal(lastStep, 3);
  assert.deepEqual(curves.loss, { steps: [1, 2, 3], values: [0.5, 1, 1.5] });
  assert.deepEqual(curves['timestep-200/accuracy'], { steps: [2], values: [0.5] });
  assert.ok(!('step' in curves) && !('at' in curves) && !('buckets' in curves));
  assert.deepEqual(alarms, []);

  // A line that is being written, and numbers that JSON has no word for.
  await appendFile(
    file,
    `${JSON.stringify(stepEntry({ step: 4, loss: Math.LN2, gradNorm: 0, updateNorm: Number.NaN }))}\n`,
  );
  await appendFile(file, '{"step":5,"loss":0.');
  const later = await readCurves(file, 10);
  assert.equal(later.lastStep, 4);
  assert.deepEqual(later.curves.updateNorm!.steps, [1, 2, 3]);
  assert.deepEqual(
    later.alarms.map(({ step, kind }) => [step, kind]),
    [[4, 'no-gradient']],
  );
});

test('lines of version 0.1.0, which lack the newer numbers, are curves too', async (t) => {
  const file = path.join(await temporaryFolder(t), 'telemetry.jsonl');
  const { step, loss, accuracy } = stepEntry({});
  await writeFile(file, `${JSON.stringify({ step, loss, accuracy })}\n`);
  assert.deepEqual(Object.keys((await readCurves(file, 10)).curves), ['loss', 'accuracy']);
});

test('curves are of what there is: of on-policy steps reward, clipped share and accuracy, and nothing of pairs', async (t) => {
  const file = path.join(await temporaryFolder(t), 'telemetry.jsonl');
  const loop = { at: 1, learningRate: 1, seconds: 1, tensors: 9 };
  const entry = (step: number) =>
    JSON.stringify({ step, ...loop, loss: 0.1, gradNorm: 1, updateNorm: 1, reward: step / 4, clipped: 0 });
  await writeFile(file, `${entry(1)}\n${entry(2)}\n`);
  const { lastStep, curves } = await readCurves(file, 10);
  assert.equal(lastStep, 2);
  const names = ['clipped', 'gradNorm', 'learningRate', 'loss', 'reward', 'seconds', 'tensors', 'updateNorm'];
  assert.deepEqual(Object.keys(curves).sort(), names);
  assert.deepEqual(curves.reward, { steps: [1, 2], values: [0.25, 0.5] });
});

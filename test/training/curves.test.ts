import assert from 'node:assert/strict';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { createRandom } from '../../src/random.ts';
import { curveReader, curveSampler } from '../../src/training/curves.ts';
import { readLines } from '../../src/training/telemetry/lines.ts';
import { telemetryFile } from '../../src/training/telemetry/run-telemetry.ts';
import { openTelemetry } from '../../src/training/telemetry/telemetry.ts';
import { validationFile } from '../../src/training/validation/validation-files.ts';
import { temporaryFolder } from '../temporary.ts';
import { stepEntry } from './step-entry.ts';

const readCurves = (folder: string, maxPoints: number) => curveReader(folder, { maxPoints, buckets: true })();

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
  const folder = await temporaryFolder(t);
  const file = telemetryFile(folder);
  assert.deepEqual(await readCurves(folder, 10), { lastStep: 0, curves: {}, alarms: [], bestStep: null });
  const bucket = { rows: 1, inside: 0, accuracy: 0.5, winnerError: 0, loserError: 0 };
  const entries = [1, 2, 3].map((step) =>
    stepEntry({ step, loss: step / 2, buckets: [{ ...bucket, from: 100 * step }] }),
  );
  await writeFile(file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  const { lastStep, curves, alarms } = await readCurves(folder, 10);
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
  const later = await readCurves(folder, 10);
  assert.equal(later.lastStep, 4);
  assert.deepEqual(later.curves.updateNorm!.steps, [1, 2, 3]);
  assert.deepEqual(
    later.alarms.map(({ step, kind }) => [step, kind]),
    [[4, 'no-gradient']],
  );
});

test('lines of version 0.1.0, which lack the newer numbers, are curves too', async (t) => {
  const folder = await temporaryFolder(t);
  const { step, loss, accuracy } = stepEntry({});
  await writeFile(telemetryFile(folder), `${JSON.stringify({ step, loss, accuracy })}\n`);
  assert.deepEqual(Object.keys((await readCurves(folder, 10)).curves), ['loss', 'accuracy']);
});

test('measurements are curves beside those of the steps, their alarms among the others, in order', async (t) => {
  const folder = await temporaryFolder(t);
  const lines = (entries: readonly object[]) => entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
  const measured = (step: number, rewards: (number | null)[]) => ({
    ...{ step, at: 0, seconds: 1, loss: step === 0 ? null : 0.6 },
    images: rewards.map((reward, i) => ({ id: `s${i}`, reward, metrics: { dpg: step / 10 } })),
  });
  await writeFile(
    telemetryFile(folder),
    lines([1, 2, 3].map((step) => stepEntry({ step, ...(step === 3 && { loss: Math.LN2, gradNorm: 0 }) }))),
  );
  await writeFile(
    validationFile(folder),
    `${lines([measured(0, [0.5, 0.75]), measured(1, [0.5, null]), measured(2, [0, 0.25])])}{"step":3,"at`,
  );
  const { curves, alarms, bestStep } = await readCurves(folder, 10);
  assert.deepEqual(curves['validation/reward'], { steps: [0, 1, 2], values: [0.625, 0.5, 0.125] });
  assert.deepEqual(curves['validation/dpg'], { steps: [0, 1, 2], values: [0, 0.1, 0.2] });
  assert.equal(curves.loss!.steps.length, 3);
  assert.equal(bestStep, 1);
  assert.deepEqual(
    alarms.map(({ step, kind }) => [step, kind]),
    [
      [2, 'reward-below-base'],
      [3, 'no-gradient'],
    ],
  );
});

test('curves are of what there is: of on-policy steps reward, clipped share and accuracy, and nothing of pairs', async (t) => {
  const folder = await temporaryFolder(t);
  const loop = { at: 1, learningRate: 1, seconds: 1, tensors: 9 };
  const entry = (step: number) =>
    JSON.stringify({ step, ...loop, loss: 0.1, gradNorm: 1, updateNorm: 1, reward: step / 4, clipped: 0 });
  await writeFile(telemetryFile(folder), `${entry(1)}\n${entry(2)}\n`);
  const { lastStep, curves } = await readCurves(folder, 10);
  assert.equal(lastStep, 2);
  const names = ['clipped', 'gradNorm', 'learningRate', 'loss', 'reward', 'seconds', 'tensors', 'updateNorm'];
  assert.deepEqual(Object.keys(curves).sort(), names);
  assert.deepEqual(curves.reward, { steps: [1, 2], values: [0.25, 0.5] });
});

test('without buckets every other curve and alarm is the same', async (t) => {
  const folder = await temporaryFolder(t);
  const entries = [1, 2, 3].map((step) =>
    stepEntry({ step, loss: step === 3 ? Math.LN2 : 0.5, gradNorm: 0 }),
  );
  const last = `${JSON.stringify({ ...stepEntry({ step: 4 }), buckets: [] })}\n`;
  await writeFile(
    telemetryFile(folder),
    entries.map((entry) => `${JSON.stringify(entry)}\n`).join('') + last,
  );
  const whole = await readCurves(folder, 10);
  const { curves, ...rest } = await curveReader(folder, { maxPoints: 10, buckets: false })();
  const kept = Object.entries(whole.curves).filter(([name]) => !name.startsWith('timestep-'));
  assert.ok(kept.length < Object.keys(whole.curves).length && curves.loss!.steps.length === 4);
  assert.deepEqual({ curves, ...rest }, { ...whole, curves: Object.fromEntries(kept) });
});

test('a reader that goes on says what a new one would, also after a resumed run wrote its file anew', async (t) => {
  const folder = await temporaryFolder(t);
  const lines = (from: number, to: number, loss: number) =>
    Array.from(
      { length: to - from + 1 },
      (_, i) => `${JSON.stringify(stepEntry({ step: from + i, loss: loss + 0.01 * Math.sin(i) }))}\n`,
    ).join('');
  const read = curveReader(folder, { maxPoints: 10, buckets: true });
  const check = async (lastStep: number) => {
    const curves = await read();
    assert.equal(curves.lastStep, lastStep);
    assert.deepEqual(curves, await readCurves(folder, 10));
  };
  await check(0);
  await appendFile(telemetryFile(folder), lines(1, 150, 0.6));
  await check(150);
  await check(150);
  const more = lines(151, 160, 6);
  await appendFile(telemetryFile(folder), more.slice(0, 1000));
  const cut = await read();
  await appendFile(telemetryFile(folder), more.slice(1000));
  await check(160);
  assert.ok(cut.lastStep < 160 && (await read()).alarms.length === 1);
  const measured = { at: 0, seconds: 1, loss: null, images: [{ id: 'é', reward: 0.5, metrics: {} }] };
  await appendFile(validationFile(folder), `${JSON.stringify({ step: 0, ...measured })}\n`);
  await check(160);

  // A resumed run: fewer steps, then more of them than there were, by other losses.
  await openTelemetry(telemetryFile(folder), 100);
  await check(100);
  await openTelemetry(telemetryFile(folder), 50);
  await appendFile(telemetryFile(folder), lines(51, 400, 0.7));
  await check(400);
  await writeFile(telemetryFile(folder), lines(1, 3, 0.6));
  await check(3);
  await rm(telemetryFile(folder));
  await check(0);
});

test('lines longer than what is read at a time, and letters cut by it, come whole', async (t) => {
  const file = path.join(await temporaryFolder(t), 'lines');
  const long = ['a', 'é'.repeat(300_000), '', 'ü'.repeat(131_073), 'z'];
  await writeFile(file, `${long.join('\n')}\nnot whole`);
  assert.deepEqual(await Array.fromAsync(readLines(file)), long);
});

test('calls that come while one reads share its reading', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(telemetryFile(folder), `${JSON.stringify(stepEntry({}))}\n`);
  const read = curveReader(folder, { maxPoints: 10, buckets: true });
  const [first, second] = [read(), read()];
  assert.equal(await first, await second);
  assert.deepEqual((await read()).curves.loss!.steps, [1]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timestepBuckets } from '../../src/training/telemetry/timestep-buckets.ts';

const floats = (...values: number[]) => Float32Array.from(values);

test('rows fall into ten equal ranges, and each has the means of its rows', () => {
  const buckets = timestepBuckets(
    {
      timesteps: [999, 0, 99, 100, 950],
      inside: floats(2, -1, 0, 0.5, -4),
      winnerError: floats(1, 2, 4, 8, 2),
      loserError: floats(0.5, -1, -3, 1, 1),
    },
    1000,
  );
  assert.deepEqual(buckets, [
    { from: 0, rows: 2, inside: -0.5, accuracy: 0.25, winnerError: 3, loserError: -2 },
    { from: 100, rows: 1, inside: 0.5, accuracy: 1, winnerError: 8, loserError: 1 },
    { from: 900, rows: 2, inside: -1, accuracy: 0.5, winnerError: 1.5, loserError: 0.75 },
  ]);
});

test('every timestep of a schedule whose length is no multiple of ten lies in the bucket that starts below it', () => {
  for (const trainSteps of [7, 25, 1001]) {
    for (let t = 0; t < trainSteps; t++) {
      const one = floats(1);
      const [bucket, ...others] = timestepBuckets(
        { timesteps: [t], inside: one, winnerError: one, loserError: one },
        trainSteps,
      );
      assert.equal(others.length, 0);
      assert.ok(bucket!.from <= t && t < bucket!.from + Math.ceil(trainSteps / 10) + 1, `${t}`);
    }
  }
});

test('means are kept to six digits', () => {
  const [bucket] = timestepBuckets(
    { timesteps: [1], inside: floats(1 / 3), winnerError: floats(2e-7 / 3), loserError: floats(0) },
    10,
  );
  assert.deepEqual([bucket!.inside, bucket!.winnerError], [0.333333, 6.66667e-8]);
});

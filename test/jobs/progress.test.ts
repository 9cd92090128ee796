import assert from 'node:assert/strict';
import { test } from 'node:test';
import { estimateSecondsLeft, type StageProgress } from '../../src/jobs/progress.ts';

const stage = (status: string, more: Partial<StageProgress> = {}): StageProgress => ({
  status,
  total: 100,
  fraction: 0,
  elapsed: 0,
  secondsPerUnit: 2,
  ...more,
});
const close = (got: number, want: number) =>
  assert.ok(Math.abs(got - want) < 1e-9, `${got}, expected ${want}`);

test('a stage that waits takes its known rate times its units', () => {
  close(estimateSecondsLeft([stage('waiting')]), 200);
  close(estimateSecondsLeft([stage('waiting'), stage('waiting', { total: 5, secondsPerUnit: 0.5 })]), 202.5);
});

test('a running stage counts by its own rate once it has one', () => {
  // A quarter took 30 s: three quarters take 90.
  close(estimateSecondsLeft([stage('running', { fraction: 0.25, elapsed: 30 })]), 90);
  // Of one that has hardly begun, the known rate tells more than its own.
  close(estimateSecondsLeft([stage('running', { fraction: 0.05, elapsed: 60 })]), 190);
  close(estimateSecondsLeft([stage('running', { fraction: 0, elapsed: 60 })]), 200);
});

test('what is done takes no more time, and nothing left is zero', () => {
  const done = stage('succeeded', { fraction: 1, elapsed: 70 });
  close(estimateSecondsLeft([done, stage('running', { fraction: 0.5, elapsed: 10 }), stage('waiting')]), 210);
  close(estimateSecondsLeft([done, stage('running', { fraction: 1, elapsed: 10 })]), 0);
  close(estimateSecondsLeft([]), 0);
});

test('a stage that stopped on the way counts the rest at the known rate', () => {
  close(estimateSecondsLeft([stage('failed', { fraction: 0.75, elapsed: 1000 })]), 50);
});

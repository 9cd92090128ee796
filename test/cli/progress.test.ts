import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createProgressPrinter,
  formatBar,
  formatComparison,
  formatDuration,
  type StageView,
} from '../../src/cli/progress.ts';

const stage = (more: Partial<StageView> = {}): StageView => ({
  name: 'generate',
  status: 'running',
  total: 48,
  done: 12,
  failed: 0,
  dropped: 0,
  fraction: 0.25,
  ...more,
});

function output(isTTY: boolean) {
  const written: string[] = [];
  const noon = new Date(2026, 0, 1, 12, 0).getTime();
  const stream = { isTTY, write: (text: string) => written.push(text) };
  return { written, printer: createProgressPrinter(stream, () => noon) };
}

test('durations are seconds, then minutes and seconds, rounded and never negative', () => {
  const cases = { 0: '0 s', 59.4: '59 s', 59.6: '1 min 00 s', 61: '1 min 01 s', 3725: '62 min 05 s' };
  for (const [seconds, text] of Object.entries(cases)) assert.equal(formatDuration(Number(seconds)), text);
  assert.equal(formatDuration(-3), '0 s');
});

test('a bar is 24 cells wide whatever the fraction, and names failures', () => {
  assert.equal(formatBar(stage()), '  generate           ██████░░░░░░░░░░░░░░░░░░  25%  running');
  for (const fraction of [0, 0.001, 0.5, 0.999, 1]) {
    const cells = formatBar(stage({ fraction })).match(/[█░]+/)![0];
    assert.equal(cells.length, 24);
    assert.equal(cells.lastIndexOf('█') + 1, Math.round(24 * fraction));
  }
  assert.match(formatBar(stage({ failed: 3 })), /running, 3 failed$/);
  assert.match(formatBar(stage({ failed: 3, dropped: 2 })), /running, 5 failed$/);
  const startedAt = '2026-01-01T00:00:00.000Z';
  const after = (seconds: number) => Date.parse(startedAt) + 1000 * seconds;
  assert.match(formatBar(stage({ startedAt }), after(8)), /running, 12 of 48, 1\.50\/s$/);
  assert.match(formatBar(stage({ startedAt }), after(48)), /running, 12 of 48, 15\.0\/min$/);
});

test('a terminal is repainted in place: up by the lines of before, each cleared', () => {
  const { written, printer } = output(true);
  printer.show([stage(), stage({ name: 'score', status: 'waiting', fraction: 0 })], 75);
  assert.equal(written.length, 3);
  assert.equal(written[2], '\u001b[2K  about 1 min 15 s left, until 12:01\n');
  printer.show([stage({ fraction: 0.5 })], null);
  assert.equal(written[3], '\u001b[3A');
  assert.equal(written[4], `\u001b[2K${formatBar(stage({ fraction: 0.5 }))}\n`);
  assert.equal(written[5], '\u001b[2K  estimating the end ...\n');
  printer.show([stage()], 1);
  assert.equal(written[6], '\u001b[2A');
  // A line that stays pushes the bars down.
  written.length = 0;
  printer.log('stage-started');
  assert.deepEqual(written, [
    '\u001b[2A',
    '\u001b[2Kstage-started\n',
    `\u001b[2K${formatBar(stage())}\n`,
    '\u001b[2K  about 1 s left, until 12:00\n',
  ]);
});

test('a log gets a line per ten percent of the running stage, without control characters', () => {
  const { written, printer } = output(false);
  for (const fraction of [0, 0.02, 0.09, 0.11, 0.19, 0.2]) printer.show([stage({ fraction })], 10);
  printer.show([stage({ status: 'succeeded', fraction: 1 }), stage({ name: 'score', fraction: 0 })], 5);
  assert.deepEqual(written, [
    'generate 0%, about 10 s left, until 12:00\n',
    'generate 10%, about 10 s left, until 12:00\n',
    'generate 20%, about 10 s left, until 12:00\n',
    'score 0%, about 5 s left, until 12:00\n',
  ]);
});

test('the closing table is aligned, signed, and tells interval and win rate', () => {
  const table = formatComparison({
    reward: { base: 0.5, tuned: 0.75, difference: 0.25, interval95: [0.125, 0.375], winRate: 0.8125 },
    pickscore: { base: 0.25, tuned: 0.125, difference: -0.125, interval95: [-0.25, 0], winRate: 0.5 },
  });
  assert.deepEqual(table.split('\n'), [
    'metric       base   tuned  difference        95% interval  win rate',
    '---------  ------  ------  ----------  ------------------  --------',
    'reward     0.5000  0.7500     +0.2500  [+0.1250, +0.3750]     81.3%',
    'pickscore  0.2500  0.1250     -0.1250  [-0.2500, +0.0000]     50.0%',
  ]);
});

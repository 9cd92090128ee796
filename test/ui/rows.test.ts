/** What the pages compute by themselves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunItem } from '../../ui/src/api/client.ts';
import { disagreement, filtered, NO_FILTER, rowsOf, sorted } from '../../ui/src/pages/gallery/rows.ts';
import { binned } from '../../ui/src/pages/pairs/figures.ts';
import { merged, nested } from '../../ui/src/pages/runs/settings-schema.ts';
import { aligned, smoothed } from '../../ui/src/pages/training/curves.ts';

const item = (imgId: string, values: (number | undefined)[], rest: Partial<RunItem> = {}): RunItem => ({
  imgId,
  prompt: 'a red circle',
  labels: ['circle'],
  relations: [],
  failed: [],
  candidates: values.map((dpg, slot) => ({
    id: `${imgId}-${slot}`,
    slot,
    seed: 0,
    sha256: '0',
    width: 32,
    height: 32,
    scores: (dpg === undefined ? {} : { dpg }) as Record<string, number>,
  })),
  ...rest,
});
const REWARD = { policy: 'mean' as const, weights: { dpg: 1 } };
const SCALES = { dpg: { mean: 0, deviation: 1 } };

test('disagreement is the share of comparisons in which two metrics say the opposite', () => {
  assert.equal(
    disagreement([
      { a: 1, b: 1 },
      { a: 0, b: 0 },
    ]),
    0,
  );
  assert.equal(
    disagreement([
      { a: 1, b: 0 },
      { a: 0, b: 1 },
    ]),
    1,
  );
  // Three metrics: two against one in two of the three comparisons of metrics.
  assert.equal(
    disagreement([
      { a: 1, b: 1, c: 0 },
      { a: 0, b: 0, c: 1 },
    ]),
    2 / 3,
  );
  // What ties or is missing says nothing.
  assert.equal(
    disagreement([
      { a: 1, b: 1 },
      { a: 1, b: 0 },
    ]),
    0,
  );
  assert.equal(disagreement([{ a: 1 }, { b: 0 }]), 0);
});

test('rows are sorted by margin with what has no reward last, either way', () => {
  const rows = rowsOf([item('a', [0.5, 0.4]), item('b', [undefined]), item('c', [0.9, 0.1])], REWARD, SCALES);
  const order = (descending: boolean) => sorted(rows, 'margin', descending).map((row) => row.item.imgId);
  assert.deepEqual(order(true), ['c', 'a', 'b']);
  assert.deepEqual(order(false), ['a', 'c', 'b']);
  assert.deepEqual(rows[1]!.rewards, [null]);
});

test('filters hold together: every word, the label, the relation, what failed', () => {
  const rows = rowsOf(
    [item('a', [1], { relations: ['above'] }), item('b', [1], { failed: ['image'], labels: ['cross'] })],
    REWARD,
    SCALES,
  );
  const found = (filter: object) => filtered(rows, { ...NO_FILTER, ...filter }).map((row) => row.item.imgId);
  assert.deepEqual(found({}), ['a', 'b']);
  assert.deepEqual(found({ text: 'RED circle' }), ['a', 'b']);
  assert.deepEqual(found({ text: 'red square' }), []);
  assert.deepEqual(found({ relation: 'above' }), ['a']);
  assert.deepEqual(found({ label: 'cross', failed: true }), ['b']);
  assert.deepEqual(found({ label: 'circle', failed: true }), []);
});

test('bins hold every value once, the greatest in the last', () => {
  assert.deepEqual(binned([0, 0.5, 1], 2), { from: 0, to: 1, counts: [1, 2] });
  assert.deepEqual(binned([2, 2], 2).counts, [0, 2]);
  assert.deepEqual(binned([], 2).counts, [0, 0]);
});

test('curves of different steps share an axis; smoothing keeps a constant', () => {
  const run = (steps: number[], values: number[]) => ({
    id: '',
    name: '',
    telemetry: { lastStep: 9, curves: { loss: { steps, values } }, alarms: [], bestStep: null },
  });
  assert.deepEqual(aligned([run([1, 3], [5, 6]), run([2, 3], [7, 8])], 'loss', 0), [
    [1, 2, 3],
    [5, null, 6],
    [null, 7, 8],
  ]);
  for (const value of smoothed([2, 2, 2], 0.9)) assert.ok(Math.abs(value - 2) < 1e-12);
  assert.deepEqual(smoothed([0, 1], 0.5), [0, 2 / 3]);
});

test('fields of the form become nested settings, JSON is laid over them', () => {
  const fields = nested({ candidates: 2, 'train.steps': 5 });
  assert.deepEqual(fields, { candidates: 2, train: { steps: 5 } });
  assert.deepEqual(merged(fields, { train: { beta: 1 } }), { candidates: 2, train: { steps: 5, beta: 1 } });
});

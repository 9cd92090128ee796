import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Comparison } from '../../src/evaluation/bootstrap.ts';
import { type FrechetResult, paperTables, REAL } from '../../src/evaluation/paper-tables.ts';
import { paperHtml } from '../../src/evaluation/paper-tables-html.ts';
import { elements, parseHtml, textOf } from './markup.ts';

const comparison = (base: number, tuned: number): Comparison => ({
  base,
  tuned,
  difference: tuned - base,
  interval95: [tuned - base - 0.125, tuned - base + 0.125],
  winRate: 0.5,
  count: 8,
});
const metrics = {
  reward: comparison(0.5, 0.75),
  pickscore: comparison(0.25, 0.5),
  'clip-score': comparison(0.25, 0.25),
  'sg-iou': comparison(0.5, 0.25),
  'relation-iou': comparison(0.75, 1),
};
const distance = (of: string, against: string, more: Partial<FrechetResult> = {}): FrechetResult => ({
  features: 'inception',
  of,
  against,
  distance: 2,
  counts: [3000, 3000],
  interval95: null,
  ...more,
});
const photographs = [
  distance('base', REAL, { distance: 40 }),
  distance('tuned', REAL, { distance: 30.5, interval95: [-12, -7] }),
];

test('the tables have the columns that were measured, in the order of the paper', () => {
  const [first, second] = paperTables(metrics, []);
  assert.deepEqual(
    [first, second].map((table) => table!.columns.map(({ name }) => name)),
    [
      ['PickScore', 'CLIP'],
      ['CLIP', 'SG-IoU', 'Relation-IoU'],
    ],
  );
  assert.deepEqual(first!.columns[0], {
    name: 'PickScore',
    better: 'higher',
    base: 0.25,
    tuned: 0.5,
    interval95: [0.125, 0.375],
  });
});

test("FID is Inception's distance from photographs, and nothing else", () => {
  const fid = (results: FrechetResult[]) => paperTables(metrics, results)[1]!.columns[0]!;
  assert.deepEqual(fid(photographs), {
    name: 'FID',
    better: 'lower',
    base: 40,
    tuned: 30.5,
    interval95: [-12, -7],
  });
  const others = [
    distance('tuned', 'base'),
    distance('base', 'curated'),
    ...photographs.map((result) => ({ ...result, features: 'clip' as const })),
  ];
  assert.equal(fid(others).name, 'CLIP');
});

const page = (frechet: FrechetResult[]) => parseHtml(paperHtml(paperTables(metrics, frechet), frechet));
const rowsOf = (frechet: FrechetResult[], table: number) =>
  elements(elements(page(frechet), 'table')[table]!, 'tr').map((row) => elements(row, 'td').map(textOf));

test('a table has a row per model and the differences, with their intervals where there are any', () => {
  assert.deepEqual(rowsOf(photographs, 1).slice(1), [
    ['base', '40.0000', '0.2500', '0.5000', '0.7500'],
    ['tuned', '30.5000', '0.2500', '0.2500', '1.0000'],
    [
      'difference',
      '-9.5000 [-12.0000, -7.0000]',
      '+0.0000 [-0.1250, +0.1250]',
      '-0.2500 [-0.3750, -0.1250]',
      '+0.2500 [+0.1250, +0.3750]',
    ],
  ]);
});

test('distances tell of how many images they are, and warn where those are few', () => {
  const few = [...photographs, distance('tuned', 'base', { features: 'clip', counts: [3000, 12] })];
  assert.deepEqual(rowsOf(few, 2).slice(1), [
    ['Inception (FID)', 'base (3000)', 'real (3000)', '40.0000', ''],
    ['Inception (FID)', 'tuned (3000)', 'real (3000)', '30.5000', '[-12.0000, -7.0000]'],
    ['CLIP', 'tuned (3000)', 'base (12)', '2.0000', ''],
  ]);
  assert.match(textOf(page(few)), /Of 12 images\. With fewer than 2048 in a set/);
  assert.doesNotMatch(textOf(page(photographs)), /fewer than/);
});

test('where nothing was measured there is nothing', () => {
  assert.equal(paperHtml(paperTables({}, []), []), '');
});

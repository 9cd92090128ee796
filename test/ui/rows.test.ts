/** What the pages compute by themselves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunItem } from '../../ui/src/api/client.ts';
import { type Block, blocksOf } from '../../ui/src/components/markdown-blocks.ts';
import { rowsOf as comparedRows, difference, ordered } from '../../ui/src/pages/compare/compared.ts';
import { policyText } from '../../ui/src/pages/datasets/policy.ts';
import { disagreement, filtered, NO_FILTER, rowsOf, sorted } from '../../ui/src/pages/gallery/rows.ts';
import { binned, figuresOf } from '../../ui/src/pages/pairs/figures.ts';
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
  const found = (filter: object) =>
    filtered(rows, { ...NO_FILTER, ...filter }, 'dpg').map((row) => row.item.imgId);
  assert.deepEqual(found({}), ['a', 'b']);
  assert.deepEqual(found({ text: 'RED circle' }), ['a', 'b']);
  assert.deepEqual(found({ text: 'red square' }), []);
  assert.deepEqual(found({ relation: 'above' }), ['a']);
  assert.deepEqual(found({ label: 'cross', failed: true }), ['b']);
  assert.deepEqual(found({ label: 'circle', failed: true }), []);
});

test('a filter on what is sorted by keeps what lies between, both ends in, and drops what has none', () => {
  const rows = rowsOf(
    [item('a', [0.5]), item('b', [undefined]), item('c', [0.9]), item('d', [0.2])],
    REWARD,
    SCALES,
  );
  const found = (least: number | null, most: number | null) =>
    filtered(rows, { ...NO_FILTER, least, most }, 'dpg').map((row) => row.item.imgId);
  assert.deepEqual(found(0.5, null), ['a', 'c']);
  assert.deepEqual(found(null, 0.5), ['a', 'd']);
  assert.deepEqual(found(0.3, 0.6), ['a']);
});

test('agreement with votes follows the margin; votes override the order of the pairs', () => {
  const items = [item('a', [0.1, 0.2]), item('b', [0.9, 0.1]), item('c', [0.5, 0.4])];
  const vote = (imgId: string, best: number | null, voter = 'ada') => ({
    voter,
    candidates: [`${imgId}-0`, `${imgId}-1`],
    ranking: best === null ? [] : [`${imgId}-${best}`, `${imgId}-${1 - best}`],
  });
  // The machine has b as people do, and a the other way around; of c nobody is sure.
  const votes = [vote('a', 0), vote('b', 0), vote('c', null)];
  const figures = (margin: number) =>
    figuresOf(items, REWARD, SCALES, { policy: 'all', margin, ties: 'drop' }, votes);
  assert.deepEqual(figures(0).people, { decided: 2, toldApart: 2, same: 1 });
  assert.deepEqual(figures(0.15).people, { decided: 2, toldApart: 1, same: 1 });
  assert.deepEqual(
    figures(0.15).pairs.map(({ winner, margin }) => [winner, Math.round(10 * margin)]),
    [
      ['a-0', -1],
      ['b-0', 8],
    ],
  );
  const none = figuresOf(items, REWARD, SCALES, { policy: 'all', margin: 0, ties: 'drop' }, []);
  assert.deepEqual(none.people, { decided: 0, toldApart: 0, same: 0 });
});

test('two sides meet by img_id and slot; changes are ordered by wins or losses, what has none last', () => {
  const reward = ({ dpg }: Readonly<Record<string, number>>) => dpg ?? null;
  const left = [item('a', [0.5, 0.5]), item('b', [0.1]), item('c', [0.9]), item('d', [undefined])];
  const right = [item('d', [1]), item('c', [0.2]), item('b', [0.6]), item('a', [0.5, 0.9]), item('e', [1])];
  const rows = comparedRows(left, right, reward);
  assert.deepEqual(
    rows.map(({ imgId, matches }) => [imgId, matches.length]),
    [
      ['a', 2],
      ['b', 1],
      ['c', 1],
      ['d', 1],
    ],
  );
  const order = (by: string, to: 'wins' | 'losses') =>
    ordered(rows, by, to).map(({ row, change }) => [row.imgId, change && Math.round(10 * change)]);
  const wins = [
    ['b', 5],
    ['a', 2],
    ['c', -7],
  ];
  for (const by of ['reward', 'dpg']) {
    assert.deepEqual(order(by, 'wins'), [...wins, ['d', null]]);
    assert.deepEqual(order(by, 'losses'), [...wins.toReversed(), ['d', null]]);
  }
});

test('a difference is the mean over the colours, its greatest white, and equal images are black', () => {
  const left = Uint8ClampedArray.of(0, 0, 0, 255, 10, 20, 30, 255);
  const right = Uint8ClampedArray.of(30, 0, 0, 255, 50, 0, 30, 255);
  const { pixels, greatest } = difference(left, right);
  assert.equal(greatest, 20);
  assert.deepEqual([...pixels], [128, 128, 128, 255, 255, 255, 255, 255]);
  assert.deepEqual(difference(left, left), {
    pixels: Uint8ClampedArray.of(0, 0, 0, 255, 0, 0, 0, 255),
    greatest: 0,
  });
});

test('Markdown of a card becomes blocks; HTML, scripts and what is broken stay text', () => {
  const card = [
    '---\ntags:\n- diptych\n---\n',
    '# Title of `x`',
    'One line\nand _one_ more, snake_case_name, [a link](https://example.org/a_b), [no](javascript://alert).\n',
    '- a: **b**\n- <img src=x onerror=alert(1)>',
    '```\nnpm run | # -\n```',
    '| column | type |\n| --- | --- |\n| `a` | b \\| c |',
    '```\nnever closed',
  ];
  const blocks: Block[] = [
    { kind: 'heading', level: 1, text: ['Title of ', { kind: 'code', text: 'x' }] },
    {
      kind: 'paragraph',
      text: [
        'One line and ',
        { kind: 'em', text: 'one' },
        ' more, snake_case_name, ',
        { kind: 'link', text: 'a link', href: 'https://example.org/a_b' },
        ', [no](javascript://alert).',
      ],
    },
    { kind: 'list', items: [['a: ', { kind: 'strong', text: 'b' }], ['<img src=x onerror=alert(1)>']] },
    { kind: 'code', text: 'npm run | # -' },
    { kind: 'table', head: [['column'], ['type']], rows: [[[{ kind: 'code', text: 'a' }], ['b | c']]] },
    { kind: 'code', text: 'never closed' },
  ];
  assert.deepEqual(blocksOf(card.join('\n')), blocks);
  assert.deepEqual(blocksOf(''), []);
  assert.deepEqual(blocksOf('|'), [{ kind: 'table', head: [[]], rows: [] }]);
});

test('a policy is told in words', () => {
  const pairs = { policy: 'best-worst', margin: 0.1, ties: 'keep' };
  assert.equal(
    policyText({ reward: { policy: 'zmean', weights: { dpg: 1, 'clip-score': 0.5, hpsv2: 0 } }, pairs }),
    'Reward: zmean of dpg, 0.5 × clip-score; pairs: best-worst, margin 0.1, ties kept',
  );
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

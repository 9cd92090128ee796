import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Comparison } from '../../src/evaluation/bootstrap.ts';
import { type ReportContent, reportHtml } from '../../src/evaluation/report.ts';
import { elements, parseHtml, textOf } from './markup.ts';

const comparison = (difference: number, low: number, high: number): Comparison => ({
  base: 0.5,
  tuned: 0.5 + difference,
  difference,
  interval95: [low, high],
  winRate: 0.625,
  count: 24,
});
const picture = (prompt: string, first: number) => ({
  prompt,
  base: { png: Uint8Array.of(first, 1, 2), reward: 0.25 },
  tuned: { png: Uint8Array.of(first, 3, 4), reward: 0.75 },
});
const step = (n: number) => ({
  loss: 0.7 - n / 10,
  accuracy: n / 4,
  winnerError: n,
  loserError: 2 * n,
  gradNorm: 3 + n,
});
const HOSTILE = `<script>alert("1")</script> & <img src=x onerror='y'>`;

const content: ReportContent = {
  title: 'base against tuned',
  facts: { engine: 'native', objective: 'inversion-dpo' },
  metrics: {
    reward: comparison(0.125, 0.0625, 0.25),
    dpg: comparison(-0.125, -0.25, -0.0625),
    pickscore: comparison(0.01, -0.02, 0.03),
  },
  tables: [],
  frechet: [],
  telemetry: [step(0), step(1), step(2), step(3)],
  alarms: [],
  pictures: [picture('a red circle', 10), picture('a blue cross', 20)],
  extremes: [picture('a green square', 30)],
  settings: { seed: 7, train: { beta: 2000 } },
};
const page = (more: Partial<ReportContent> = {}) => parseHtml(reportHtml({ ...content, ...more }));

test('the table has a row per metric with every number, and colours only what is sure', () => {
  const rows = elements(page(), 'tr').map((row) =>
    row.children.map((cell) => (typeof cell === 'string' ? '' : textOf(cell))),
  );
  const cells = rows.map((row) => row.filter(Boolean));
  assert.deepEqual(cells, [
    ['metric', 'base', 'tuned', 'difference', '95% interval', 'win rate', 'annotations'],
    ['reward', '0.5000', '0.6250', '+0.1250', '[+0.0625, +0.2500]', '62.5%', '24'],
    ['dpg', '0.5000', '0.3750', '-0.1250', '[-0.2500, -0.0625]', '62.5%', '24'],
    ['pickscore', '0.5000', '0.5100', '+0.0100', '[-0.0200, +0.0300]', '62.5%', '24'],
  ]);
  const classes = elements(page(), 'td').flatMap(({ attributes }) => attributes.class ?? []);
  assert.deepEqual(classes, ['up', 'down', '']);
});

test('pictures stand in pairs with their bytes, rewards and prompt, in the order given', () => {
  const galleries = elements(page(), 'div').filter(({ attributes }) => attributes.class === 'pictures');
  assert.equal(galleries.length, 2);
  const images = elements(galleries[0]!, 'img').map(({ attributes }) => [attributes.alt, attributes.src]);
  const uri = (...bytes: number[]) => `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`;
  assert.deepEqual(images, [
    ['base', uri(10, 1, 2)],
    ['tuned', uri(10, 3, 4)],
    ['base', uri(20, 1, 2)],
    ['tuned', uri(20, 3, 4)],
  ]);
  assert.deepEqual(elements(galleries[0]!, 'p').map(textOf), ['a red circle', 'a blue cross']);
  assert.deepEqual(elements(galleries[1]!, 'p').map(textOf), ['a green square']);
  assert.match(textOf(galleries[1]!), /base 0\.250.*tuned 0\.750/);
});

test('settings are the exact JSON, facts are listed by name', () => {
  assert.deepEqual(JSON.parse(textOf(elements(page(), 'pre')[0]!)), content.settings);
  assert.deepEqual(elements(page(), 'dt').map(textOf), ['engine', 'objective']);
  assert.deepEqual(elements(page(), 'dd').map(textOf), ['native', 'inversion-dpo']);
});

test('an on-policy training has a chart of its rewards, and none of what only pairs have', () => {
  const telemetry = [0.4, 0.5].map((reward) => ({ loss: 0.1, gradNorm: 1, reward }));
  const [, training] = elements(page({ telemetry }), 'div').filter(
    ({ attributes }) => attributes.class === 'charts',
  );
  const titles = elements(training!, 'svg').map(({ attributes }) => attributes['aria-label']);
  assert.deepEqual(titles, ['loss', 'mean reward of the images trained on', 'gradient norm']);
});

test('training has a chart each for loss, accuracy, errors and gradient norm, winner and loser apart', () => {
  const [, training] = elements(page(), 'div').filter(({ attributes }) => attributes.class === 'charts');
  const charts = elements(training!, 'figure').map((figure) => [
    elements(figure, 'svg')[0]!.attributes['aria-label'],
    elements(figure, 'polyline').map(({ attributes }) => attributes.points!.split(' ').length),
    elements(figure, 'span').map((legend) => textOf(legend).slice(2)),
  ]);
  assert.deepEqual(charts, [
    ['loss', [4], []],
    ['implicit accuracy', [4], []],
    ['error against the reference', [4, 4], ['winner', 'loser']],
    ['gradient norm', [4], []],
  ]);
});

test('alarms stand above the curves in words, and a run without any says so', () => {
  const alarms = [
    { step: 1, message: HOSTILE },
    { step: 60, message: 'both sides drift' },
  ];
  const items = elements(page({ alarms }), 'li').map(textOf);
  assert.deepEqual(items, [`Step 1: ${HOSTILE}.`, 'Step 60: both sides drift.']);
  assert.equal(elements(page(), 'li').length, 0);
  assert.ok(elements(page(), 'p').map(textOf).includes('No alarm was raised.'));
});

test('a model that was not trained here has a page without curves, and no pictures are no error', () => {
  const bare = page({ telemetry: [], pictures: [], extremes: [] });
  assert.equal(elements(bare, 'polyline').length, 0);
  assert.equal(elements(bare, 'img').length, 0);
  assert.deepEqual(elements(bare, 'h2').map(textOf), [
    'Held-out annotations: base against tuned',
    'Pictures',
    'Largest changes of reward',
    'Settings',
  ]);
});

test('no text from outside becomes markup, wherever it stands', () => {
  const hostile = page({
    title: HOSTILE,
    facts: { [HOSTILE]: HOSTILE },
    metrics: { [HOSTILE]: comparison(0.1, 0, 0.2) },
    pictures: [picture(HOSTILE, 1)],
    extremes: [picture(HOSTILE, 2)],
    settings: { [HOSTILE]: HOSTILE },
  });
  assert.equal(elements(hostile, 'script').length, 0);
  assert.equal(elements(hostile, 'img').length, 4);
  assert.equal(textOf(elements(hostile, 'h1')[0]!), HOSTILE);
  assert.equal(textOf(elements(hostile, 'dt')[0]!), HOSTILE);
  assert.equal(textOf(elements(hostile, 'td')[0]!), HOSTILE);
  assert.equal(textOf(elements(hostile, 'svg')[0]!).trim(), HOSTILE);
  assert.deepEqual(elements(hostile, 'p').slice(-2).map(textOf), [HOSTILE, HOSTILE]);
  assert.deepEqual(JSON.parse(textOf(elements(hostile, 'pre')[0]!)), { [HOSTILE]: HOSTILE });
});

test('the page needs nothing but itself: no script, no handler, no outside reference', () => {
  for (const { name, attributes } of elements(page())) {
    assert.ok(!['script', 'link', 'iframe', 'object', 'embed', 'base', 'a'].includes(name), name);
    for (const [key, value] of Object.entries(attributes)) {
      assert.doesNotMatch(key, /^on/);
      if (['src', 'href', 'srcset', 'data', 'action'].includes(key)) assert.match(value, /^data:/);
    }
  }
  for (const style of elements(page(), 'style')) assert.doesNotMatch(textOf(style), /url\(|@import/);
});

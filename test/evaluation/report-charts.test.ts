import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chartSheet, intervalChart, lineChart } from '../../src/evaluation/report-charts.ts';
import { type Element, elements, parseHtml, textOf } from './markup.ts';

const points = (line: Element) =>
  line.attributes.points!.split(' ').map((pair) => pair.split(',').map(Number) as [number, number]);
const series = (values: number[], name = 'loss') => ({ name, colour: '#123456', values });
const chart = (...values: number[][]) =>
  parseHtml(
    lineChart(
      'loss',
      values.map((one) => series(one)),
    ),
  );

/** The plot area: 420 x 140 less the paddings 54, 10, 10 and 22. */
const [LEFT, RIGHT, TOP, BOTTOM] = [54, 410, 10, 118];

test('a line runs over its steps from left to right, its extremes at the edges of the plot', () => {
  const [line] = elements(chart([2, 4, 3, 1]), 'polyline');
  const x = (step: number) => LEFT + ((RIGHT - LEFT) * step) / 4;
  const y = (value: number) => BOTTOM - ((BOTTOM - TOP) * (value - 1)) / 3;
  const want = [2, 4, 3, 1].map((value, i) => [x(i + 1), y(value)] as const);
  for (const [i, [gotX, gotY]] of points(line!).entries()) {
    assert.ok(Math.abs(gotX - want[i]![0]) <= 0.051, `x of step ${i + 1}: ${gotX}`);
    assert.ok(Math.abs(gotY - want[i]![1]) <= 0.051, `y of step ${i + 1}: ${gotY}`);
  }
  assert.equal(points(line!).length, 4);
});

test('long series are averaged over windows, and no window is lost', () => {
  const values = Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? i : i + 100));
  const [line] = elements(chart(values), 'polyline');
  // Windows of ten: the alternation is gone, the trend is a straight line.
  const got = points(line!);
  assert.equal(got.length, 40);
  const slopes = got.slice(1).map(([, y], i) => y - got[i]![1]);
  for (const slope of slopes) assert.ok(Math.abs(slope - slopes[0]!) < 0.11, `slope ${slope}`);
});

test('two lines share one scale', () => {
  const [low, high] = elements(chart([0, 1], [4, 8]), 'polyline').map(points);
  assert.ok(Math.abs(low![0]![1] - BOTTOM) < 0.06 && Math.abs(high![1]![1] - TOP) < 0.06);
  assert.ok(Math.abs(high![0]![1] - (BOTTOM + TOP) / 2) < 0.06);
});

test('a constant line, a single step and values that are no numbers still make a chart', () => {
  for (const values of [[1, 1, 1], [0.5], [Number.NaN, 1, 2], [1, Number.POSITIVE_INFINITY, 2]]) {
    const lines = elements(chart(values), 'polyline');
    assert.equal(lines.length, 1);
    for (const [x, y] of points(lines[0]!)) {
      assert.ok(x >= LEFT && x <= RIGHT && y >= TOP && y <= BOTTOM, `${values}: ${x},${y}`);
    }
  }
  assert.equal(lineChart('loss', [series([])]), '');
  assert.equal(lineChart('loss', [series([Number.NaN])]), '');
});

test('steps may be given: points stand at them, and the last one ends the axis', () => {
  const page = parseHtml(lineChart('loss', [{ ...series([1, 2, 3]), steps: [100, 150, 400] }]));
  const xs = points(elements(page, 'polyline')[0]!).map(([x]) => x);
  for (const [i, share] of [0.25, 0.375, 1].entries()) {
    assert.ok(Math.abs(xs[i]! - (LEFT + share * (RIGHT - LEFT))) < 0.06, `point ${i}: ${xs[i]}`);
  }
  assert.ok(elements(page, 'text').map(textOf).includes('step 400'));
});

test('titles and names are text, never markup', () => {
  const page = parseHtml(lineChart('<b>"a" & b</b>', [series([1, 2], '<i>&'), series([2, 1], 'other')]));
  assert.equal(elements(page, 'b').length + elements(page, 'i').length, 0);
  assert.equal(elements(page, 'svg')[0]!.attributes['aria-label'], '<b>"a" & b</b>');
  assert.deepEqual(elements(page, 'span').map(textOf), ['\u25a0 <i>&', '\u25a0 other']);
  assert.ok(textOf(elements(page, 'figcaption')[0]!).startsWith('<b>"a" & b</b> '));
});

test('an interval lies around its dot, on its side of zero, coloured when it is sure', () => {
  const metric = (difference: number, low: number, high: number) => ({
    base: 0,
    tuned: difference,
    difference,
    interval95: [low, high] as [number, number],
    winRate: 0.5,
    count: 3,
  });
  const page = parseHtml(
    intervalChart({
      better: metric(2, 1, 3),
      worse: metric(-2, -3, -1),
      unsure: metric(0.5, -1, 2),
      none: metric(0, 0, 0),
    }),
  );
  const [zero, ...lines] = elements(page, 'line').map(({ attributes }) => attributes);
  const dots = elements(page, 'circle').map(({ attributes }) => attributes);
  const centre = Number(zero!.x1);
  assert.deepEqual(
    dots.map(({ fill }) => fill),
    ['#0a7a3b', '#b3261e', '#666', '#666'],
  );
  assert.ok(Number(lines[0]!.x1) > centre && Number(lines[1]!.x2) < centre);
  assert.ok(Number(lines[2]!.x1) < centre && Number(lines[2]!.x2) > centre);
  for (const [i, { x1, x2 }] of lines.entries()) {
    const at = Number(dots[i]!.cx);
    assert.ok(Number(x1) <= at && at <= Number(x2), `dot ${i}`);
    assert.ok(Number(x1) >= 160 && Number(x2) <= 420, `interval ${i} stays in the picture`);
  }
  // 2 of a reach of 3.3 on 120 pixels.
  assert.ok(Math.abs(Number(dots[0]!.cx) - (290 + (120 * 2) / 3.3)) < 1e-6);
});

test('names of a sheet that do not fit beside each other go into further lines, and no chart covers them', () => {
  const sheetOf = (...names: string[]) =>
    parseHtml(chartSheet([{ title: 'reward', series: names.map((name) => series([1, 2], name)) }], 1));
  const lettersIn = (sheet: Element) =>
    elements(sheet, 'text')
      .map((text) => elements(text, 'tspan').map(textOf))
      .filter((names) => names.length > 0);
  const legendY = (sheet: Element) =>
    Math.max(
      ...elements(sheet, 'text').flatMap((text) =>
        elements(text, 'tspan').length > 0 ? Number(text.attributes.y) : [],
      ),
    );
  const plotTop = (sheet: Element) =>
    Math.max(
      ...elements(sheet, 'g').map(({ attributes }) => Number(/(\d+)\)$/.exec(attributes.transform!)![1])),
    );
  const short = sheetOf('a', 'b');
  assert.equal(lettersIn(short).length, 1);
  const names = ['inversion-dpo shared-noise, guided', 'inversion-dpo shared-noise', 'diffusion-dpo', 'sft'];
  const long = sheetOf(...names);
  assert.deepEqual(
    lettersIn(long)
      .flat()
      .map((name) => name.slice(2)),
    names,
    'each once, in order',
  );
  assert.equal(lettersIn(long).length, 2);
  for (const line of lettersIn(long)) assert.ok(line.join('').length < 75, line.join(' '));
  for (const sheet of [short, long])
    assert.ok(legendY(sheet) < plotTop(sheet), `${legendY(sheet)} ${plotTop(sheet)}`);
});

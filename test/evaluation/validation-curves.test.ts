/** Metrics over training steps: pairing by scene, intervals against the base, and the chart of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare } from '../../src/evaluation/bootstrap.ts';
import { bandChart } from '../../src/evaluation/report-charts.ts';
import { type MeasuredStep, validationCurves } from '../../src/evaluation/validation-curves.ts';
import { elements, parseHtml, textOf } from './markup.ts';

const image = (reward: number | null, metrics: Record<string, number> = {}) => ({ reward, metrics });
const STEPS: MeasuredStep[] = [
  { step: 0, images: [image(0.25, { dpg: 0.5 }), image(0.5, { dpg: 0.25, spatial: 1 }), image(null)] },
  { step: 10, images: [image(0.75, { dpg: 0.5 }), image(null, { dpg: 1 }), image(0.5, { dpg: 1 })] },
  { step: 15, images: [image(0.5, { dpg: 1 }), image(0.25, { dpg: 0.5, spatial: 0 }), image(1)] },
];

test('a curve per number of the base, the reward first; each point of the scenes that have it at both steps', () => {
  const [reward, dpg, spatial, ...more] = validationCurves(STEPS, 7);
  assert.deepEqual(reward, {
    name: 'reward',
    points: [
      { step: 0, ...compare([0.25, 0.5], [0.25, 0.5], 7) },
      { step: 10, ...compare([0.25], [0.75], 7) },
      { step: 15, ...compare([0.25, 0.5], [0.5, 0.25], 7) },
    ],
  });
  assert.deepEqual(dpg!.points[1], { step: 10, ...compare([0.5, 0.25], [0.5, 1], 7) });
  assert.deepEqual([dpg!.name, spatial!.name, more], ['dpg', 'spatial', []]);
  // Once it was not measured: no point, and no gap that something is made up for.
  assert.deepEqual(
    spatial!.points.map(({ step, tuned }) => [step, tuned]),
    [
      [0, 1],
      [15, 0],
    ],
  );
  assert.deepEqual(validationCurves([], 7), []);
});

test('the chart: the means as a line over their steps, the interval as a band around it, the base as a level', () => {
  const point = (step: number, difference: number, low: number, high: number) => ({
    ...{ step, base: 0.5, tuned: 0.5 + difference, difference },
    ...{ interval95: [low, high] as [number, number], winRate: 0.5, count: 9 },
  });
  const points = [point(0, 0, 0, 0), point(50, 0.25, 0.125, 0.5), point(200, -0.25, -0.5, 0)];
  const page = parseHtml(bandChart({ name: '<b>dpg', points }));
  const [low, high] = [0, 1];
  const x = (step: number) => 54 + ((410 - 54) * step) / 200;
  const y = (value: number) => 118 - ((118 - 10) * (value - low)) / (high - low);
  const close = (text: string, want: [number, number][]) => {
    const got = text.split(' ').map((pair) => pair.split(',').map(Number));
    assert.equal(got.length, want.length);
    for (const [i, [wantX, wantY]] of want.entries()) {
      assert.ok(Math.abs(got[i]![0]! - wantX) <= 0.051 && Math.abs(got[i]![1]! - wantY) <= 0.051, text);
    }
  };
  close(elements(page, 'polyline')[0]!.attributes.points!, [
    [x(0), y(0.5)],
    [x(50), y(0.75)],
    [x(200), y(0.25)],
  ]);
  close(elements(page, 'polygon')[0]!.attributes.points!, [
    ...([
      [x(0), y(0.5)],
      [x(50), y(1)],
      [x(200), y(0.5)],
    ] as [number, number][]),
    [x(200), y(0)],
    [x(50), y(0.625)],
    [x(0), y(0.5)],
  ]);
  const level = elements(page, 'line').find(({ attributes }) => attributes['stroke-dasharray'])!;
  assert.equal(Number(level.attributes.y1), y(0.5));
  assert.equal(textOf(elements(page, 'figcaption')[0]!), '<b>dpg');
  assert.equal(elements(page, 'b').length, 0);
  assert.equal(bandChart({ name: 'dpg', points: points.slice(0, 1) }), '');
});

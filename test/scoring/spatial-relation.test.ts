/** The published geometry against boxes worked out by hand; the frame is 480 pixels, so its pixels are ours. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Direction,
  directionOf,
  intersectionOverUnion,
  positionScore,
} from '../../src/scoring/spatial-relation.ts';

type Box = readonly [number, number, number, number];
/** A box of a size around a centre. */
const around = (x: number, y: number, size = 20): Box => [
  x - size / 2,
  y - size / 2,
  x + size / 2,
  y + size / 2,
];
const centre = around(240, 240);
const DIRECTIONS: Direction[] = ['left', 'right', 'top', 'bottom'];

function holding(a: Box, b: Box): Direction[] {
  return DIRECTIONS.filter((direction) => positionScore(a, b, direction, 480) > 0);
}
const close = (got: number, want: number) =>
  assert.ok(Math.abs(got - want) < 1e-12, `${got}, expected ${want}`);

test('one direction holds, the one along the main axis', () => {
  assert.deepEqual(holding(around(100, 240), centre), ['left']);
  assert.deepEqual(holding(around(400, 240), centre), ['right']);
  assert.deepEqual(holding(around(240, 100), centre), ['top']);
  assert.deepEqual(holding(around(240, 400), centre), ['bottom']);
  assert.deepEqual(holding(around(100, 339), centre), ['left']);
  assert.deepEqual(holding(around(141, 400), centre), ['bottom']);
});

test('on the diagonal and on the same spot nothing holds', () => {
  assert.deepEqual(holding(around(140, 140), centre), []);
  assert.deepEqual(holding(around(340, 140), centre), []);
  assert.deepEqual(holding(centre, centre), []);
});

test('apart is 1; boxes that overlap by a tenth or more lose in proportion', () => {
  assert.equal(positionScore(around(200, 240), centre, 'left', 480), 1);
  // Two boxes of 40 x 40, 20 apart: shared 800 of 2400, a third.
  close(positionScore(around(220, 240, 40), around(240, 240, 40), 'left', 480), 0.3);
  // 4 x 40 shared of 3040: 0.0526 is under a tenth.
  assert.equal(positionScore(around(204, 240, 40), around(240, 240, 40), 'left', 480), 1);
  // A small box inside a big one, above its centre: 100 of 10000 is under a tenth as well.
  assert.equal(positionScore(around(240, 210, 10), around(240, 240, 100), 'top', 480), 1);
});

test('near is 1 within 150 pixels on either axis, then falls with the larger distance', () => {
  const near = (dx: number, dy: number) => positionScore(around(dx, dy), around(0, 0), 'near', 480);
  assert.equal(near(149, 149), 1);
  assert.equal(near(400, 149), 1);
  assert.equal(near(-149, -400), 1);
  close(near(150, 150), 1);
  close(near(200, 300), 0.5);
  close(near(-250, 200), 0.6);
});

test('distances scale with the image: on 32 pixels, near ends at 10', () => {
  close(positionScore(around(30, 25, 2), around(10, 10, 2), 'near', 32), 0.5);
  assert.equal(positionScore(around(30, 19.9, 2), around(10, 10, 2), 'near', 32), 1);
});

test('a phrase without a rule is never right', () => {
  assert.equal(positionScore(around(240, 100), centre, null, 480), 0);
});

test('intersection over union of boxes apart, touching, overlapping, nested and equal', () => {
  const box: Box = [0, 0, 10, 10];
  for (const [other, want] of [
    [[20, 20, 30, 30], 0],
    [[10, 0, 20, 10], 0],
    [[0, 10, 10, 20], 0],
    [[5, 0, 15, 10], 50 / 150],
    [[5, 5, 15, 15], 25 / 175],
    [[2, 2, 7, 6], 20 / 100],
    [[0, 0, 10, 10], 1],
    [[3, 20, 7, 30], 0],
  ] as const) {
    close(intersectionOverUnion(box, other), want);
    close(intersectionOverUnion(other, box), want);
  }
});

test('relations are read as published in compat, with plain words too when fixed', () => {
  const table: [relation: string, fixed: Direction | undefined, compat: Direction | null | undefined][] = [
    ['on the left of', 'left', 'left'],
    ['is on the right of', 'right', 'right'],
    ['on the bottom of', 'bottom', 'bottom'],
    ['on the top of', 'top', 'top'],
    ['on top of', 'top', null],
    ['on side of', 'near', 'near'],
    ['Next to', 'near', 'near'],
    ['near', 'near', 'near'],
    ['left of', 'left', undefined],
    ['to the right of', 'right', undefined],
    ['above', 'top', undefined],
    ['over', 'top', undefined],
    ['below', 'bottom', undefined],
    ['beneath', 'bottom', undefined],
    ['under', 'bottom', undefined],
    ['beside', 'near', undefined],
    ['holding', undefined, undefined],
    ['covered by', undefined, undefined],
    ['overlooking', undefined, undefined],
  ];
  for (const [relation, fixed, compat] of table) {
    assert.equal(directionOf(relation, 'fixed'), fixed, `${relation}, fixed`);
    assert.equal(directionOf(relation, 'compat'), compat, `${relation}, compat`);
  }
});

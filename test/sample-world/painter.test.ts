import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../src/random.ts';
import { coverage, paint } from '../../src/sample-world/painter.ts';
import { type Placement, sampleScene } from '../../src/sample-world/scenes.ts';
import { COLOURS, IMAGE_SIZE, PALETTE, SHAPES, type Shape } from '../../src/sample-world/vocabulary.ts';

const picture = (layout: Placement[], seed = 1) =>
  paint({ annotation: { img_id: '1', items: [], relations: [] }, layout }, createRandom(seed));
const place = (shape: Shape, more: Partial<Placement> = {}): Placement => ({
  shape,
  colour: 'red',
  x: 16,
  y: 16,
  radius: 6,
  ...more,
});
const pixel = ({ data }: { data: Uint8Array }, x: number, y: number) => [
  ...data.subarray(3 * (y * IMAGE_SIZE + x), 3 * (y * IMAGE_SIZE + x) + 3),
];

/** Areas in units of the squared radius, worked out from the shapes' definitions. */
const AREAS: Record<Shape, number> = {
  circle: Math.PI,
  square: 1.84 ** 2,
  // Base 2, height 1.9.
  triangle: 1.9,
  // Two bars of 2 x 0.68, their shared square counted once.
  cross: 2 * 2 * 0.68 - 0.68 ** 2,
};

test('every shape covers its area, wherever it lies between the pixels', () => {
  for (const shape of SHAPES) {
    for (const [x, y, radius] of [
      [16, 16, 6],
      [15.3, 16.8, 6.5],
      [9.5, 20.1, 4],
    ] as const) {
      let area = 0;
      for (let j = 0; j < IMAGE_SIZE; j++) {
        for (let i = 0; i < IMAGE_SIZE; i++) area += coverage({ shape, x, y, radius }, i, j);
      }
      const want = AREAS[shape] * radius ** 2;
      // Anti-aliasing by distance is inexact at corners: 4%.
      assert.ok(Math.abs(area - want) < 0.04 * want, `${shape} at ${x},${y}: ${area}, expected ${want}`);
    }
  }
});

test('inside is all shape, outside nothing, and the edge runs through the half', () => {
  const square = { shape: 'square', x: 16, y: 16, radius: 5.5 / 0.92 } as const;
  // The left edge is at 10.5, the middle of column 10.
  assert.deepEqual(
    [8, 9, 10, 11, 12].map((i) => Math.round(2 * coverage(square, i, 15)) / 2),
    [0, 0, 0.5, 1, 1],
  );
  const triangle = place('triangle');
  assert.equal(coverage(triangle, 16, 20), 1);
  assert.equal(coverage(triangle, 11, 11), 0, 'the apex is up');
  assert.equal(coverage(triangle, 11, 20) > 0, true, 'the base is down');
  assert.equal(coverage(place('cross'), 20, 20), 0, 'a cross has empty corners');
  assert.equal(coverage(place('cross'), 20, 16), 1);
  assert.equal(coverage(place('circle'), 20, 20), coverage(place('circle'), 11, 11));
});

test('colours are those of the palette within the jitter, on a light grey', () => {
  for (const [seed, colour] of COLOURS.entries()) {
    const image = picture([place('square', { colour })], seed);
    for (const [c, level] of pixel(image, 16, 16).entries()) {
      assert.ok(Math.abs(level - PALETTE[colour][c]!) <= 13, `${colour}, channel ${c}: ${level}`);
    }
    const [r, g, b] = pixel(image, 1, 1);
    assert.ok(r === g && g === b && r! >= 210 && r! <= 242, `background ${r},${g},${b}`);
    assert.deepEqual(pixel(image, 30, 30), pixel(image, 1, 1));
  }
});

test('an edge pixel mixes shape and background by its share', () => {
  const image = picture([place('square', { radius: 5.5 / 0.92 })]);
  const [inside, edge, outside] = [16, 10, 8].map((x) => pixel(image, x, 15)) as [
    number[],
    number[],
    number[],
  ];
  for (const [c, level] of edge.entries()) {
    assert.ok(Math.abs(level - (inside[c]! + outside[c]!) / 2) <= 1, `channel ${c}: ${level}`);
  }
});

test('later shapes lie on top, and each keeps its place', () => {
  const image = picture([
    place('square', { colour: 'blue', x: 8, y: 16, radius: 4 }),
    place('square', { colour: 'green', x: 24, y: 16, radius: 4 }),
    place('circle', { colour: 'yellow', x: 24, y: 16, radius: 4 }),
  ]);
  const nearest = (x: number, y: number) =>
    COLOURS.toSorted(
      (a, b) => distance(pixel(image, x, y), PALETTE[a]) - distance(pixel(image, x, y), PALETTE[b]),
    )[0];
  assert.deepEqual([nearest(8, 16), nearest(24, 16), nearest(20, 12)], ['blue', 'yellow', 'green']);
});
const distance = (a: readonly number[], b: readonly number[]) =>
  Math.hypot(...a.map((level, c) => level - b[c]!));

test('an image is a function of scene and seed', () => {
  const scene = sampleScene(createRandom(4));
  const bytes = (seed: number) => Buffer.from(paint(scene, createRandom(seed)).data).toString('hex');
  assert.equal(bytes(1), bytes(1));
  assert.notEqual(bytes(1), bytes(2));
  const { width, height, data } = paint(scene, createRandom(1));
  assert.deepEqual([width, height, data.length], [32, 32, 3072]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../src/random.ts';
import { paint } from '../../src/sample-world/painter.ts';
import { sampleDetector } from '../../src/sample-world/ports.ts';
import { readImage } from '../../src/sample-world/reader.ts';
import { type Placement, sampleScene } from '../../src/sample-world/scenes.ts';
import { COLOURS, IMAGE_SIZE, SHAPES, type Shape } from '../../src/sample-world/vocabulary.ts';
import { intersectionOverUnion } from '../../src/scoring/spatial-relation.ts';

const random = createRandom(33);
const painted = Array.from({ length: 120 }, () => {
  const scene = sampleScene(random);
  return { ...scene, image: paint(scene, random) };
});

/** Extents in radii: left, top, right, bottom. */
const EXTENTS: Record<Shape, readonly [number, number, number, number]> = {
  circle: [1, 1, 1, 1],
  square: [0.92, 0.92, 0.92, 0.92],
  triangle: [1, 1, 1, 0.9],
  cross: [1, 1, 1, 1],
};
function boxOf({ shape, x, y, radius }: Placement): [number, number, number, number] {
  const [left, top, right, bottom] = EXTENTS[shape];
  return [x - left * radius, y - top * radius, x + right * radius, y + bottom * radius];
}

test('every shape and colour is found alone, at its place and size', () => {
  for (const [i, shape] of SHAPES.entries()) {
    for (const [j, colour] of COLOURS.entries()) {
      for (const [radius, size] of [
        [3.8, 'small'],
        [6.1, 'large'],
      ] as const) {
        const layout = [{ shape, colour, x: 14 + 0.3 * j, y: 17 - 0.4 * i, radius }];
        const scene = { annotation: { img_id: '1', items: [], relations: [] }, layout };
        const found = readImage(paint(scene, createRandom(10 * i + j)));
        const name = `${size} ${colour} ${shape}`;
        assert.deepEqual(
          found.map((f) => `${f.size} ${f.colour} ${f.shape}`),
          [name],
        );
        const [one] = found;
        assert.ok(Math.abs(one!.x - layout[0]!.x) < 0.6 && Math.abs(one!.y - layout[0]!.y) < 0.6, name);
        assert.ok(Math.abs(one!.radius - radius) < 0.5, `${name}: radius ${one!.radius}`);
        assert.ok(one!.confidence > 0.8 && one!.confidence <= 1, `${name}: ${one!.confidence}`);
      }
    }
  }
});

test('scenes are read back: as many shapes as were painted, in 97% of them all right', () => {
  let right = 0;
  for (const { layout, image } of painted) {
    const told = (shapes: readonly { shape: string; colour: string }[]) =>
      shapes.map(({ shape, colour }) => `${colour} ${shape}`).sort();
    if (told(readImage(image)).join() === told(layout).join()) right++;
  }
  assert.ok(right >= 0.97 * painted.length, `${right} of ${painted.length} scenes read right`);
});

test("the detector's boxes lie on the painted shapes", async () => {
  const detector = sampleDetector();
  const overlaps: number[] = [];
  for (const { layout, image } of painted) {
    const labels = layout.map(({ shape, colour }) => `${colour} ${shape}`);
    const found = await detector.detect(image, labels);
    for (const [i, label] of labels.entries()) {
      const best = found.find((detection) => detection.label === label);
      overlaps.push(best ? intersectionOverUnion(best.box, boxOf(layout[i]!)) : 0);
    }
  }
  overlaps.sort((a, b) => a - b);
  const mean = overlaps.reduce((sum, x) => sum + x, 0) / overlaps.length;
  const tenth = overlaps[Math.floor(0.1 * overlaps.length)]!;
  assert.ok(
    mean > 0.85 && tenth > 0.75,
    `IoU: mean ${mean.toFixed(3)}, worst tenth below ${tenth.toFixed(3)}`,
  );
});

test('nothing is found where nothing is painted, and noise is no shape', () => {
  const blank = paint({ annotation: { img_id: '1', items: [], relations: [] }, layout: [] }, random);
  assert.deepEqual(readImage(blank), []);
  const size = 3 * IMAGE_SIZE * IMAGE_SIZE;
  for (let i = 0; i < 5; i++) {
    const data = Uint8Array.from({ length: size }, () => random.int(256));
    const found = readImage({ width: IMAGE_SIZE, height: IMAGE_SIZE, data });
    for (const { confidence } of found)
      assert.ok(confidence < 0.8, `noise read with confidence ${confidence}`);
  }
  assert.deepEqual(readImage({ width: 1, height: 1, data: Uint8Array.of(1, 2, 3) }), []);
});

test('reading is deterministic, best fit first, and images of other sizes are read too', () => {
  const { image, layout } = painted.find((one) => one.layout.length === 3)!;
  const found = readImage(image);
  assert.deepEqual(readImage(image), found);
  const confidences = found.map(({ confidence }) => confidence);
  assert.deepEqual(
    confidences,
    confidences.toSorted((a, b) => b - a),
  );
  // The same picture on a wider canvas, moved by eight pixels.
  const wide = { width: 48, height: IMAGE_SIZE, data: new Uint8Array(3 * 48 * IMAGE_SIZE) };
  for (let y = 0; y < IMAGE_SIZE; y++) {
    for (let x = 0; x < 48; x++) {
      const from = y * IMAGE_SIZE + Math.min(IMAGE_SIZE - 1, Math.max(0, x - 8));
      wide.data.set(image.data.subarray(3 * from, 3 * from + 3), 3 * (y * 48 + x));
    }
  }
  const moved = readImage(wide);
  assert.equal(moved.length, layout.length);
  for (const [i, shape] of moved.entries()) {
    assert.deepEqual([shape.shape, shape.colour], [found[i]!.shape, found[i]!.colour]);
    assert.ok(Math.abs(shape.x - found[i]!.x - 8) < 1e-9);
  }
});

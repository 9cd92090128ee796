import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromPixels, toPixels } from '../../src/engine/image.ts';

test('bytes become [-1, 1] and come back as they were, every value and every image', () => {
  const ramp = { width: 2, height: 43, data: Uint8Array.from({ length: 258 }, (_, i) => i % 256) };
  const back = { ...ramp, data: ramp.data.toReversed() };
  const pixels = toPixels([ramp, back]);
  assert.equal(pixels.length, 516);
  assert.deepEqual([pixels[0], pixels[255]], [-1, 1]);
  assert.equal(pixels[51], Math.fround(51 / 127.5 - 1));
  assert.deepEqual(fromPixels(pixels, 2, 43), [ramp, back]);
});

test('a pixel is rounded to the nearest byte, and cut off outside [-1, 1]', () => {
  const values = [-3, -1.001, 0, 0.0039, 1.001, 7];
  assert.deepEqual(
    fromPixels(Float32Array.from(values), 2, 1)[0]!.data,
    Uint8Array.of(0, 0, 128, 128, 255, 255),
  );
});

test('no images are no pixels', () => {
  assert.deepEqual(toPixels([]), new Float32Array(0));
  assert.deepEqual(fromPixels(new Float32Array(0), 4, 4), []);
});

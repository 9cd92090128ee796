/** PIL's resize (the recorded pictures are in test/golden/clip-preprocess): what holds for any picture. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resizeBicubic } from '../../src/engine/resize.ts';

const flat = (width: number, height: number, level: number) => ({
  width,
  height,
  data: new Uint8Array(3 * width * height).fill(level),
});

test('a plain picture stays plain at every size', () => {
  for (const level of [0, 1, 128, 255]) {
    for (const [width, height] of [
      [1, 1],
      [7, 90],
      [200, 3],
    ] as const) {
      assert.deepEqual(resizeBicubic(flat(31, 17, level), width, height), flat(width, height, level));
    }
  }
});

test('the same size is the same picture', () => {
  const image = { width: 3, height: 2, data: Uint8Array.from({ length: 18 }, (_, i) => i * 14) };
  assert.deepEqual(resizeBicubic(image, 3, 2), image);
});

test('a red column on black, doubled: the kernel at 0.25 and 0.75, in red alone and the same in every row', () => {
  const data = new Uint8Array(3 * 8 * 2);
  for (const y of [0, 1]) data[3 * (8 * y + 4)] = 255;
  const row = new Uint8Array(3 * 16);
  // 0.8672 and 0.2266 of 255; the negative weights further out end at 0.
  for (const [x, level] of [58, 221, 221, 58].entries()) row[3 * (7 + x)] = level;
  const { data: out } = resizeBicubic({ width: 8, height: 2, data }, 16, 4);
  for (let y = 0; y < 4; y++) assert.deepEqual(out.subarray(48 * y, 48 * (y + 1)), row);
});

test('a picture that loses far more rows than columns is resized downwards first, as Pillow 13.0.0 has it', () => {
  const image = { width: 2, height: 7, data: Uint8Array.from({ length: 42 }, (_, i) => i * 83) };
  const recorded = [175, 58, 146, 204, 55, 143, 232, 51, 139, 198, 77, 102, 191, 74, 99, 184, 70, 95];
  assert.deepEqual([...resizeBicubic(image, 3, 2).data], recorded);
  // The other order rounds otherwise.
  assert.notDeepEqual([...resizeBicubic(resizeBicubic(image, 3, 7), 3, 2).data], recorded);
});

test('a side without pixels is refused by its numbers', () => {
  const refusal = (message: RegExp) => ({ code: 'DIPTYCH_INVALID_INPUT', message });
  assert.throws(() => resizeBicubic(flat(4, 4, 0), 0, 8), refusal(/4 x 4 pixels to 0 x 8/));
  assert.throws(() => resizeBicubic(flat(0, 4, 0), 8, 8), refusal(/0 x 4 pixels to 8 x 8/));
  assert.throws(() => resizeBicubic(flat(4, 4, 0), 2.5, 8), refusal(/to 2\.5 x 8/));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { floatToHalf, HALF_VALUES, halfToFloat } from '../../src/engine/half.ts';
import { createRandom } from '../../src/random.ts';

test('every ordinary half widens to the float32 of the same sign and fraction', () => {
  const view = new DataView(new ArrayBuffer(4));
  for (let half = 0; half < 0x10000; half++) {
    const exponent = (half >> 10) & 31;
    if (exponent === 0 || exponent === 31) continue;
    view.setUint32(0, ((half & 0x8000) << 16) | ((exponent - 15 + 127) << 23) | ((half & 0x3ff) << 13));
    assert.equal(halfToFloat(half), view.getFloat32(0), half.toString(16));
    assert.equal(HALF_VALUES[half], view.getFloat32(0));
  }
});

test('every half that is a number comes back as it was, both zeros too', () => {
  for (let half = 0; half < 0x10000; half++)
    if (!Number.isNaN(halfToFloat(half))) assert.equal(floatToHalf(halfToFloat(half)), half);
  assert.equal(floatToHalf(Number.NaN), 0x7e00);
});

test('a number becomes the nearest half; between two, the one with an even word', () => {
  for (let half = 0; half < 0x7bff; half++) {
    const [below, above] = [halfToFloat(half), halfToFloat(half + 1)];
    const middle = (below + above) / 2;
    const even = half % 2 === 0 ? half : half + 1;
    assert.equal(floatToHalf(middle), even, `between ${below} and ${above}`);
    assert.equal(floatToHalf(-middle), even | 0x8000);
    assert.equal(floatToHalf(middle - (above - below) / 64), half);
    assert.equal(floatToHalf(middle + (above - below) / 64), half + 1);
  }
  const known: [number, number][] = [
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [1e30, 0x7c00],
    [-Infinity, 0xfc00],
    [2 ** -25, 0],
    [2 ** -25 * 1.01, 1],
    [1e-30, 0],
  ];
  for (const [value, half] of known) assert.equal(floatToHalf(value), half, String(value));
});

test('the relative error of ordinary numbers is at most 2^-11', () => {
  const random = createRandom(1);
  for (let i = 0; i < 20_000; i++) {
    const value = Math.fround(random.normal() * 2 ** random.int(10));
    if (Math.abs(value) < 2 ** -14) continue;
    const error = Math.abs(halfToFloat(floatToHalf(value)) - value);
    assert.ok(error <= 2 ** -11 * Math.abs(value), String(value));
  }
});

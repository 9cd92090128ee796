/** What a CLIP preprocessor may ask for, and where the centre square lies. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  parseClipPreprocessor,
  resizeAndCrop,
  resizeAndCropToEven,
} from '../../src/models/preprocess/clip-preprocess.ts';

const STATISTICS = { image_mean: [0.5, 0.5, 0.5], image_std: [0.2, 0.2, 0.2] };

test('old and new ways to write the sizes are read', () => {
  const { image_mean, image_std } = STATISTICS;
  for (const sizes of [
    {},
    { size: 224, crop_size: 224 },
    { size: { shortest_edge: 224 }, crop_size: { height: 224, width: 224 }, resample: 3 },
  ]) {
    const statistics = parseClipPreprocessor({ ...STATISTICS, ...sizes }, 224);
    assert.deepEqual([statistics.image_mean, statistics.image_std], [image_mean, image_std]);
  }
});

for (const [field, value, message] of [
  ['resample', 2, /"resample" is 2; supported: \[3\]/],
  ['do_center_crop', false, /"do_center_crop" is false/],
  ['size', { shortest_edge: 336 }, /"size" is 336; supported: \[224\]/],
  ['size', { height: 200, width: 224 }, /"size" is {"height":200,"width":224}/],
  ['crop_size', 336, /"crop_size" is 336/],
  ['image_mean', [0.5], /"image_mean" is \[0\.5\]; it must be three numbers/],
  ['image_std', undefined, /"image_std" is undefined/],
] as const) {
  test(`${field} ${JSON.stringify(value)} is refused by name`, () => {
    const json = { ...STATISTICS, [field]: value };
    assert.throws(() => parseClipPreprocessor(json, 224), { code: 'DIPTYCH_BAD_MODEL', message });
  });
}

test('the square is cut from the middle, whichever side is longer', () => {
  const [long, short] = [9, 4];
  const ramp = Uint8Array.from({ length: 3 * long * short }, (_, i) => 20 * (Math.floor(i / 3) % long));
  const wide = resizeAndCrop({ width: long, height: short, data: ramp }, short);
  const levels = (data: Uint8Array) => Array.from({ length: short }, (_, x) => data[3 * x]);
  assert.deepEqual(levels(wide.data), [40, 60, 80, 100]);
  const rows = Uint8Array.from({ length: 3 * long * short }, (_, i) => 20 * Math.floor(i / (3 * short)));
  const tall = resizeAndCrop({ width: short, height: long, data: rows }, short);
  assert.deepEqual(
    [...tall.data],
    [40, 60, 80, 100].flatMap((level) => Array(3 * short).fill(level)),
  );
});

test('where the middle lies between two pixels, transformers goes left and torchvision to the even one', () => {
  const first = (long: number, cut: typeof resizeAndCrop) => {
    const data = Uint8Array.from({ length: 3 * long * 4 }, (_, i) => Math.floor(i / 3) % long);
    return cut({ width: long, height: 4, data }, 4).data[0];
  };
  for (const [long, transformers, torchvision] of [
    [4, 0, 0],
    [5, 0, 0],
    [6, 1, 1],
    [7, 1, 2],
    [8, 2, 2],
    [9, 2, 2],
    [11, 3, 4],
  ] as const) {
    assert.deepEqual(
      [first(long, resizeAndCrop), first(long, resizeAndCropToEven)],
      [transformers, torchvision],
    );
  }
});

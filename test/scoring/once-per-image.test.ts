import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor } from '../../src/engine/engine.ts';
import type { RgbImage } from '../../src/engine/image.ts';
import { oncePerImage } from '../../src/scoring/once-per-image.ts';
import { engine } from '../components/tensors.ts';

test('an image is encoded once, equal pixels of another image again; every result is a tensor of its own', () => {
  const encoded: RgbImage[] = [];
  const encode = oncePerImage(engine, (image) => {
    encoded.push(image);
    return engine.tf.tensor2d([[image.width, encoded.length]]) as Tensor;
  });
  const [one, same] = [1, 2].map(() => ({ width: 7, height: 1, data: new Uint8Array(21) }));
  const results = [one!, one!, same!, one!].map((image) => {
    const tensor = encode(image);
    assert.deepEqual(tensor.shape, [1, 2]);
    const values = [...tensor.dataSync()];
    tensor.dispose();
    return values;
  });
  assert.deepEqual(results, [
    [7, 1],
    [7, 1],
    [7, 2],
    [7, 1],
  ]);
  assert.deepEqual(encoded, [one, same]);
});

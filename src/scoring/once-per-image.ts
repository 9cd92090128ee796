/** Several metrics look at the same image, through one network: it is encoded once. */
import type { Engine, Tensor } from '../engine/engine.ts';
import type { RgbImage } from '../engine/image.ts';

/**
 * `encode`, which remembers what it made of an image for as long as the image itself is held. The memory is in plain
 * arrays, which go with the image; what is returned is a new tensor.
 */
export function oncePerImage(
  { tf }: Engine,
  encode: (image: RgbImage) => Tensor,
): (image: RgbImage) => Tensor {
  const known = new WeakMap<RgbImage, { data: Float32Array; shape: number[] }>();
  return (image) => {
    const held = known.get(image);
    if (held) return tf.tensor(held.data, held.shape, 'float32');
    const tensor = encode(image);
    known.set(image, { data: tensor.dataSync() as Float32Array, shape: tensor.shape });
    return tensor;
  };
}

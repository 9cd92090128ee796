/** How fast this machine's engine computes, for telling beforehand how long work will take. */
import type { Engine } from './engine.ts';

const SECONDS = 1;

/**
 * Floating-point operations a second, in the convolutions and matrix products that diffusion models spend their time
 * in: half of the operations in each.
 */
export function measureRate({ tf, kernels }: Engine): number {
  const [side, channels] = [32, 320];
  const image = tf.zeros([2, side, side, channels]);
  const kernel = tf.zeros([3, 3, channels, channels]);
  const rows = tf.zeros([2 * side * side, channels]);
  const matrix = tf.zeros([channels, 9 * channels]);
  const flops = 2 * 2 * (2 * side * side) * 9 * channels * channels;
  const once = () =>
    tf.tidy(() => {
      kernels.conv2d(image, kernel, undefined).dataSync();
      kernels.linear(rows, matrix).dataSync();
    });
  once();
  const started = performance.now();
  let [times, seconds] = [0, 0];
  while (seconds < SECONDS) {
    once();
    times++;
    seconds = (performance.now() - started) / 1000;
  }
  tf.dispose([image, kernel, rows, matrix]);
  return (times * flops) / seconds;
}

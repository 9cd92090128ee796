/** The most bytes of tensors that are alive at once while something runs, above those before it. */
import type { Tf } from '../src/engine/tensor.ts';

/**
 * By TensorFlow.js's own count. On the native engine a reshaped tensor counts twice though it has no memory of its own,
 * and what an operation needs while it runs does not count.
 */
export function peakBytes<T>(tf: Tf, work: () => T): { result: T; bytes: number } {
  const engine = tf.engine();
  const before = engine.state.numBytes;
  let bytes = 0;
  const track = engine.trackTensor;
  engine.trackTensor = function (...args) {
    track.apply(this, args);
    bytes = Math.max(bytes, this.state.numBytes - before);
  };
  try {
    return { result: work(), bytes };
  } finally {
    engine.trackTensor = track;
  }
}

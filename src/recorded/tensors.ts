/** Recorded tensors on the engine, and back in the order that they were recorded in. */
import type { Engine, Tensor } from '../engine/engine.ts';
import type { HostTensor } from '../engine/safetensors.ts';

export const device = ({ tf }: Engine, { data, shape, dtype }: HostTensor): Tensor =>
  tf.tensor(data, shape, dtype);

/** [B, C, H, W] as [B, H, W, C], and back as values. */
export const toNhwc = (engine: Engine, t: HostTensor): Tensor => device(engine, t).transpose([0, 2, 3, 1]);
export const fromNhwc = (t: Tensor) => t.transpose([0, 3, 1, 2]).dataSync();

/** Rows of ids. */
export const rows = ({ data, shape }: HostTensor): number[][] =>
  Array.from({ length: shape[0]! }, (_, i) => [...data.subarray(i * shape[1]!, (i + 1) * shape[1]!)]);

/** Recorded tensors on the engine, and back in the order that they were recorded in. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { openEngine, type Tensor } from '../../src/engine/engine.ts';
import type { HostTensor } from '../../src/engine/safetensors.ts';
import { type ParameterSpec, toTorchLayout } from '../../src/engine/weights.ts';

export const engine = await openEngine();
const { tf } = engine;

export const readJson = (...parts: string[]) => JSON.parse(readFileSync(path.join(...parts), 'utf8'));

export const device = ({ data, shape, dtype }: HostTensor): Tensor => tf.tensor(data, shape, dtype);
/** [B, C, H, W] as [B, H, W, C], and back as values. */
export const toNhwc = (t: HostTensor): Tensor => device(t).transpose([0, 2, 3, 1]);
export const fromNhwc = (t: Tensor) => t.transpose([0, 3, 1, 2]).dataSync();
export const values = (t: Tensor) => t.dataSync();

/** Rows of ids. */
export const rows = ({ data, shape }: HostTensor): number[][] =>
  Array.from({ length: shape[0]! }, (_, i) => [...data.subarray(i * shape[1]!, (i + 1) * shape[1]!)]);

/** A parameter's gradient in torch's layout. */
export function inTorchLayout(grad: Tensor, name: string, specs: readonly ParameterSpec[]) {
  const host: HostTensor = { shape: grad.shape, dtype: 'float32', data: grad.dataSync() as Float32Array };
  return toTorchLayout(host, specs.find((spec) => spec.name === name)!.kind).data;
}

/** Recorded tensors on the engine, and back in the order that they were recorded in. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { openEngine, type Tensor } from '../../src/engine/engine.ts';
import type { HostTensor } from '../../src/engine/safetensors.ts';
import { type ParameterSpec, toTorchLayout } from '../../src/engine/weights.ts';
import * as recorded from '../../src/recorded/tensors.ts';

export const engine = await openEngine();

export const readJson = (...parts: string[]) => JSON.parse(readFileSync(path.join(...parts), 'utf8'));

export const device = (t: HostTensor): Tensor => recorded.device(engine, t);
export const toNhwc = (t: HostTensor): Tensor => recorded.toNhwc(engine, t);
export const { fromNhwc, rows } = recorded;
export const values = (t: Tensor) => t.dataSync();

/** A parameter's gradient in torch's layout. */
export function inTorchLayout(grad: Tensor, name: string, specs: readonly ParameterSpec[]) {
  const host: HostTensor = { shape: grad.shape, dtype: 'float32', data: grad.dataSync() as Float32Array };
  return toTorchLayout(host, specs.find((spec) => spec.name === name)!.kind).data;
}

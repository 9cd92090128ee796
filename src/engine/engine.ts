/**
 * Which TensorFlow runs here. All numeric code is written against `Engine.tf` (the TensorFlow.js API) and
 * `Engine.kernels`; only this file knows where they come from.
 *
 * native  tfjs-node-gpu's JavaScript over a binding built against TensorFlow's own libraries (setup/engine.mjs)
 * wasm    always there; about five times slower, and training on it is slower still
 * cpu     plain JavaScript, for tests only
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import util from 'node:util';
import { asError, DiptychError } from '../errors.ts';
import { createFastKernels } from './fast-kernels.ts';
import type { Kernels } from './kernels.ts';
import { createPlainKernels } from './plain-kernels.ts';
import { MOST_BYTES, slicedAttention } from './sliced-attention.ts';
import type { Tensor, Tf } from './tensor.ts';
import { usefulChains } from './threads.ts';

export type { Tensor, Tf };
export const ENGINE_NAMES = ['native', 'wasm', 'cpu'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

export interface Engine {
  tf: Tf;
  name: EngineName;
  kernels: Kernels;
  /** Whether functions that say they can be are run as one operation (traced.ts). */
  traces: boolean;
  /** Parts of a batch that a traced function lays beside each other, so that each core has work (chains.ts). */
  chains: number;
}

export interface EngineOptions {
  /** Overrides DIPTYCH_ENGINE; without either, native where it loads and WASM elsewhere. */
  prefer?: EngineName;
  /** False keeps to the plain kernels even on the native engine (the reference path). */
  fast?: boolean;
  /** False runs traced functions operation by operation, as every engine but the fast native one on a CPU does. */
  trace?: boolean;
}

const require = createRequire(import.meta.url);
const opened = new Map<EngineName, Promise<Tf>>();

/**
 * Opens an engine; the TensorFlow behind it is loaded once per process.
 * Throws DIPTYCH_ENGINE_UNAVAILABLE when the engine asked for by name can't be loaded.
 */
export async function openEngine(options: EngineOptions = {}): Promise<Engine> {
  const asked = options.prefer ?? engineFromEnvironment();
  const name = asked ?? (nativeProblem() === null ? 'native' : 'wasm');
  if (!asked && name === 'wasm') {
    console.error(
      `engine: native TensorFlow is not available (${nativeProblem()}); using WASM, about 5 times slower. ` +
        'Run `npm run diptych doctor` to see how to get it.',
    );
  }
  if (!opened.has(name)) opened.set(name, LOADERS[name]());
  const tf = await opened.get(name)!;
  const fast = name === 'native' && options.fast !== false;
  const onGpu = name === 'native' && seesGpu(tf);
  const kernels = fast ? createFastKernels(tf, { onGpu }) : createPlainKernels(tf);
  const traces = fast && !onGpu && options.trace !== false;
  const chains = traces ? usefulChains() : 1;
  return { tf, name, traces, chains, kernels: withSlicedAttention(tf, kernels, chains) };
}

/** Scores of all chains are there at once, so each has its part of what they may take. */
const withSlicedAttention = (tf: Tf, kernels: Kernels, chains: number): Kernels => ({
  ...kernels,
  attention: slicedAttention(tf, kernels.attention, MOST_BYTES / chains),
});

/**
 * The same engine with products of matrices and convolutions in bfloat16; all else stays float32.
 * Throws DIPTYCH_INVALID_INPUT where nothing computes in it.
 */
export function withBfloat16(engine: Engine): Engine {
  const problem = bfloat16Problem(engine);
  if (problem !== null) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `train.precision is "bfloat16", but ${problem}; take "float32", or a machine that computes in it`,
    );
  }
  const { tf, chains } = engine;
  const kernels = createFastKernels(tf, { onGpu: seesGpu(tf), bfloat16: true });
  return { ...engine, kernels: withSlicedAttention(tf, kernels, chains) };
}

const CPU_INFO = '/proc/cpuinfo';

/** Why an engine can't compute in bfloat16, or would be slower at it, in a few words; null: it can. */
export function bfloat16Problem({ tf, name }: Engine): string | null {
  if (name !== 'native') return `the ${name} engine has only float32`;
  if (seesGpu(tf)) return null;
  const flags = existsSync(CPU_INFO) ? readFileSync(CPU_INFO, 'utf8') : '';
  return /\b(avx512_bf16|amx_bf16)\b/.test(flags)
    ? null
    : `this processor has neither avx512_bf16 nor amx_bf16 (${CPU_INFO})`;
}

/** Whether native TensorFlow found a GPU to compute on. */
export const seesGpu = (tf: Tf): boolean =>
  (tf.backend() as unknown as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;

function engineFromEnvironment(): EngineName | undefined {
  const value = process.env.DIPTYCH_ENGINE;
  if (!value) return undefined;
  if ((ENGINE_NAMES as readonly string[]).includes(value)) return value as EngineName;
  throw new DiptychError(
    'DIPTYCH_ENGINE_UNAVAILABLE',
    `DIPTYCH_ENGINE is "${value}"; it can be ${ENGINE_NAMES.join(', ')}`,
  );
}

let nativeTf: Tf | undefined;
let nativeError: string | null | undefined;

/** Why the native engine can't be loaded, in one line; null when it can. Loads it to find out. */
export function nativeProblem(): string | null {
  if (nativeError !== undefined) return nativeError;
  try {
    prepareNodeForTfjs();
    nativeTf = require('@tensorflow/tfjs-node-gpu') as Tf;
    nativeError = null;
  } catch (thrown) {
    nativeError = asError(thrown).message.split('\n')[0]!.slice(0, 200);
  }
  return nativeError;
}

/** tfjs-node 4.22 calls two helpers of `node:util` that Node 22 warns about and Node 23 has no more. */
function prepareNodeForTfjs(): void {
  const legacy = util as unknown as Record<string, unknown>;
  legacy.isNullOrUndefined = (value: unknown) => value === null || value === undefined;
  legacy.isArray = Array.isArray;
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
}

const LOADERS: Record<EngineName, () => Promise<Tf>> = {
  async native() {
    const problem = nativeProblem();
    if (problem !== null) {
      throw new DiptychError('DIPTYCH_ENGINE_UNAVAILABLE', `the native engine can't be loaded: ${problem}`);
    }
    nativeTf!.enableProdMode();
    return nativeTf!;
  },
  async wasm() {
    const tf = require('@tensorflow/tfjs') as Tf;
    const wasm = require('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(folder: string): void };
    const manifest = require.resolve('@tensorflow/tfjs-backend-wasm/package.json');
    wasm.setWasmPaths(`${path.join(path.dirname(manifest), 'dist')}/`);
    tf.enableProdMode();
    await tf.setBackend('wasm');
    await tf.ready();
    return tf;
  },
  async cpu() {
    const tf = require('@tensorflow/tfjs') as Tf;
    await tf.setBackend('cpu');
    await tf.ready();
    return tf;
  },
};

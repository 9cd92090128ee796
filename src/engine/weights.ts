/**
 * Named weights between files and engine. Names and files keep torch's order of axes; in the engine a
 * linear weight is [in, out] and a convolution's [kh, kw, in, out], as its operations want them.
 */
import { DiptychError } from '../errors.ts';
import type { Engine, Tensor } from './engine.ts';
import { type HostTensor, readSafetensorsHeader, readTensors, writeSafetensors } from './safetensors.ts';
import { sizeOf } from './tensor.ts';

/** linear: [out, in] in the file; conv: [out, in, kh, kw]; embedding and vector: the same on both sides. */
export type ParameterKind = 'linear' | 'conv' | 'embedding' | 'vector';

export interface ParameterSpec {
  /** Name in the official state dict. */
  name: string;
  /** Shape in torch's order. */
  shape: number[];
  kind: ParameterKind;
}

export type Weights = Record<string, Tensor>;

export function engineShape(spec: ParameterSpec): number[] {
  const [a, b, c, d] = spec.shape as [number, number, number, number];
  if (spec.kind === 'linear') return [b, a];
  if (spec.kind === 'conv') return [c, d, b, a];
  return spec.shape;
}

/** Which of torch's axes each of the engine's is; null where both have the same. */
const ENGINE_ORDER: Record<ParameterKind, readonly number[] | null> = {
  linear: [1, 0],
  conv: [2, 3, 1, 0],
  embedding: null,
  vector: null,
};

export function toEngineLayout(tensor: HostTensor, kind: ParameterKind): HostTensor {
  const order = ENGINE_ORDER[kind];
  return order ? permute(tensor, order) : tensor;
}

export function toTorchLayout(tensor: HostTensor, kind: ParameterKind): HostTensor {
  if (kind === 'linear') return permute(tensor, [1, 0]);
  return kind === 'conv' ? permute(tensor, [3, 2, 0, 1]) : tensor;
}

function permute(tensor: HostTensor, order: readonly number[]): HostTensor {
  const { shape, dtype, data } = tensor;
  const strides = shape.map((_, i) => sizeOf(shape.slice(i + 1)));
  const to = order.map((axis) => shape[axis]!);
  const steps = order.map((axis) => strides[axis]!);
  const out = new (data.constructor as Float32ArrayConstructor)(data.length);
  const index = to.map(() => 0);
  let from = 0;
  for (let i = 0; i < out.length; i++) {
    out[i] = data[from]!;
    for (let axis = to.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++index[axis]! < to[axis]!) break;
      from -= steps[axis]! * to[axis]!;
      index[axis] = 0;
    }
  }
  return { shape: to, dtype, data: out };
}

export interface LoadOptions {
  /** Other names under which a tensor may stand in the file (older or newer writers). */
  alias?: (name: string) => string[];
}

/** How the tensors of some files fit a list of parameters. */
export interface WeightMatch {
  /** Where each parameter stands, under the name that the file has for it. */
  found: { spec: ParameterSpec; name: string; file: string; shape: number[] }[];
  missing: ParameterSpec[];
  /** Names of tensors that no parameter asks for. */
  surplus: string[];
}

/** Reads the files' headers alone. Shapes are reported, not judged: see `misfits`. */
export async function matchWeights(
  files: readonly string[],
  specs: readonly ParameterSpec[],
  options: LoadOptions = {},
): Promise<WeightMatch> {
  const where = new Map<string, { file: string; shape: number[] }>();
  for (const file of files) {
    for (const [name, entry] of (await readSafetensorsHeader(file)).entries)
      where.set(name, { file, shape: entry.shape });
  }
  const match: WeightMatch = { found: [], missing: [], surplus: [] };
  const used = new Set<string>();
  for (const spec of specs) {
    const name = [spec.name, ...(options.alias?.(spec.name) ?? [])].find((candidate) => where.has(candidate));
    if (name === undefined) match.missing.push(spec);
    else {
      match.found.push({ spec, name, ...where.get(name)! });
      used.add(name);
    }
  }
  match.surplus = [...where.keys()].filter((name) => !used.has(name));
  return match;
}

/** A line for each tensor whose shape is not what its parameter has. */
export function misfits({ found }: WeightMatch): string[] {
  return found
    .filter(({ spec, shape }) => shape.join() !== spec.shape.join())
    .map(
      ({ spec, name, file, shape }) =>
        `${file}: tensor "${name}" has shape [${shape}], expected [${spec.shape}]`,
    );
}

/**
 * Reads every parameter of `specs` from the files into kept tensors. Tensors the specs don't name are left
 * in the file. Throws DIPTYCH_BAD_MODEL naming the tensor, the shape expected and the shape found.
 */
export async function loadWeights(
  engine: Engine,
  files: string | readonly string[],
  specs: readonly ParameterSpec[],
  options: LoadOptions = {},
): Promise<Weights> {
  const paths = typeof files === 'string' ? [files] : files;
  const match = await matchWeights(paths, specs, options);
  const [absent] = match.missing;
  if (absent) {
    throw new DiptychError(
      'DIPTYCH_BAD_MODEL',
      `${paths.join(', ')}: no tensor "${absent.name}" of shape [${absent.shape}]`,
    );
  }
  const [misfit] = misfits(match);
  if (misfit) throw new DiptychError('DIPTYCH_BAD_MODEL', misfit);
  const weights: Weights = {};
  for (const { spec, name, file } of match.found) {
    const host = (await readTensors(file, [name]))[name]!;
    weights[spec.name] = inEngineLayout(engine, host, spec.kind);
  }
  return weights;
}

/** A kept tensor in the engine's layout. Turned over there: faster than here, and no second copy waits for collection. */
function inEngineLayout(engine: Engine, { data, shape, dtype }: HostTensor, kind: ParameterKind): Tensor {
  const { tf } = engine;
  return tf.tidy(() => {
    const read = tf.tensor(data, shape, dtype);
    const order = ENGINE_ORDER[kind];
    return tf.keep(order ? (tf.transpose(read, [...order]) as Tensor) : read);
  });
}

/** A kept tensor with the data of a host tensor. */
export function toDevice(engine: Engine, { data, shape, dtype }: HostTensor): Tensor {
  return engine.tf.keep(engine.tf.tensor(data, shape, dtype));
}

/** The weights in torch's layout on the host, in the order of `specs`. */
export function toHost(weights: Weights, specs: readonly ParameterSpec[]): Record<string, HostTensor> {
  return Object.fromEntries(
    specs.map((spec) => {
      const data = weights[spec.name]!.dataSync() as Float32Array;
      return [spec.name, toTorchLayout({ shape: engineShape(spec), dtype: 'float32', data }, spec.kind)];
    }),
  );
}

export function saveWeights(path: string, weights: Weights, specs: readonly ParameterSpec[]): Promise<void> {
  return writeSafetensors(path, toHost(weights, specs));
}

export function disposeWeights(weights: Weights): void {
  for (const tensor of Object.values(weights)) tensor.dispose();
}

/**
 * The safetensors format: 8-byte little-endian header length, JSON header, raw little-endian data.
 * Read by byte range, so a file is never in memory twice; written through a temporary name.
 */
import { type FileHandle, open, rename } from 'node:fs/promises';
import { asError, DiptychError } from '../errors.ts';
import { HALF_VALUES } from './half.ts';
import { sizeOf } from './tensor.ts';

export interface HostTensor {
  shape: number[];
  dtype: 'float32' | 'int32';
  data: Float32Array | Int32Array;
}

export interface TensorEntry {
  dtype: string;
  shape: number[];
  /** First and one-past-last byte in the file. */
  begin: number;
  end: number;
}

export interface SafetensorsHeader {
  entries: Map<string, TensorEntry>;
  metadata: Record<string, string>;
}

/** Bytes per element of every type that can be read. */
const BYTES: Record<string, number> = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, U8: 1 };
const LONGEST_HEADER = 100 * 1024 * 1024;

/** Throws DIPTYCH_BAD_FILE, with the file and what is wrong with it, on anything but a well-formed header. */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  return withFile(path, (file) => readHeader(path, file));
}

/** Tensors of a file, all or the named ones; F16, BF16 and F64 widen or narrow to float32, integers to int32. */
export async function readTensors(
  path: string,
  names?: readonly string[],
): Promise<Record<string, HostTensor>> {
  return withFile(path, async (file) => {
    const { entries } = await readHeader(path, file);
    const tensors: Record<string, HostTensor> = {};
    for (const name of names ?? entries.keys()) {
      const entry = entries.get(name);
      if (!entry) throw new DiptychError('DIPTYCH_BAD_FILE', `${path} holds no tensor "${name}"`);
      const bytes = await readRange(path, file, entry.begin, entry.end);
      tensors[name] = { shape: entry.shape, ...decode(path, name, bytes, entry.dtype) };
    }
    return tensors;
  });
}

/** Writes float32 and int32 tensors, sorted by name, and renames the finished file into place. */
export async function writeSafetensors(
  path: string,
  tensors: Record<string, HostTensor>,
  metadata: Record<string, string> = { format: 'pt' },
): Promise<void> {
  const names = Object.keys(tensors).sort();
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const name of names) {
    const { shape, dtype, data } = tensors[name]!;
    header[name] = {
      dtype: dtype === 'float32' ? 'F32' : 'I32',
      shape,
      data_offsets: [offset, offset + data.byteLength],
    };
    offset += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ');
  json.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));

  const temporary = `${path}.${process.pid}.tmp`;
  const file = await open(temporary, 'w');
  try {
    await file.write(length);
    await file.write(padded);
    for (const name of names) {
      const { data } = tensors[name]!;
      if (data.byteLength > 0)
        await file.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, 'r').catch((thrown: unknown) => {
    throw new DiptychError('DIPTYCH_BAD_FILE', `can't open ${path}: ${asError(thrown).message}`, {
      cause: thrown,
    });
  });
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

async function readRange(path: string, file: FileHandle, begin: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - begin);
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, begin + filled);
    if (bytesRead === 0)
      throw bad(path, `ends at byte ${begin + filled}, before byte ${end} that its header promises`);
    filled += bytesRead;
  }
  return bytes;
}

async function readHeader(path: string, file: FileHandle): Promise<SafetensorsHeader> {
  const facts = await file.stat();
  if (!facts.isFile()) throw bad(path, 'is not a file');
  const { size } = facts;
  if (size < 8) throw bad(path, `has ${size} bytes, too few for a safetensors header`);
  const prefix = await readRange(path, file, 0, 8);
  const length = Number(new DataView(prefix.buffer).getBigUint64(0, true));
  if (length > LONGEST_HEADER || length > size - 8) {
    throw bad(path, `states a header of ${length} bytes; is it a safetensors file?`);
  }
  const text = new TextDecoder().decode(await readRange(path, file, 8, 8 + length));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new DiptychError('DIPTYCH_BAD_FILE', `${path}: the header is not JSON`, { cause });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw bad(path, 'the header is not a JSON object');
  const { __metadata__: metadata, ...rest } = json as Record<string, unknown>;
  const entries = new Map(
    Object.entries(rest).map(([name, raw]) => [name, checkEntry(path, name, raw, 8 + length, size)]),
  );
  checkNoOverlapOrGap(path, entries, 8 + length, size);
  return { entries, metadata: (metadata ?? {}) as Record<string, string> };
}

/** The format wants every byte of the data in exactly one tensor. */
function checkNoOverlapOrGap(
  path: string,
  entries: Map<string, TensorEntry>,
  dataStart: number,
  fileSize: number,
): void {
  let reached = dataStart;
  for (const [name, { begin, end }] of [...entries].sort(
    ([, a], [, b]) => a.begin - b.begin || a.end - b.end,
  )) {
    if (begin !== reached) {
      const [at, before] = [begin - dataStart, reached - dataStart];
      throw bad(
        path,
        `tensor "${name}" begins at byte ${at} of the data, the one before it ends at ${before}`,
      );
    }
    reached = end;
  }
  if (reached !== fileSize) throw bad(path, `${fileSize - reached} bytes behind the last tensor`);
}

function checkEntry(
  path: string,
  name: string,
  raw: unknown,
  dataStart: number,
  fileSize: number,
): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = (raw ?? {}) as Record<string, unknown>;
  const isCount = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;
  if (typeof dtype !== 'string' || !Array.isArray(shape) || !shape.every(isCount)) {
    throw bad(path, `tensor "${name}" has no valid dtype and shape`);
  }
  if (!Object.hasOwn(BYTES, dtype))
    throw bad(path, `tensor "${name}" has dtype ${dtype}; readable are ${Object.keys(BYTES).join(', ')}`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw bad(path, `tensor "${name}" has no valid data_offsets`);
  }
  const [begin, end] = [dataStart + offsets[0], dataStart + offsets[1]];
  const expected = BYTES[dtype]! * sizeOf(shape);
  if (end - begin !== expected)
    throw bad(path, `tensor "${name}" spans ${end - begin} bytes, its shape [${shape}] needs ${expected}`);
  if (end > fileSize) throw bad(path, `tensor "${name}" ends at byte ${end}, the file at ${fileSize}`);
  return { dtype, shape: shape as number[], begin, end };
}

const bad = (path: string, what: string) => new DiptychError('DIPTYCH_BAD_FILE', `${path}: ${what}`);

function decode(
  path: string,
  name: string,
  bytes: Uint8Array,
  dtype: string,
): { dtype: 'float32' | 'int32'; data: Float32Array | Int32Array } {
  const buffer = bytes.buffer as ArrayBuffer;
  switch (dtype) {
    case 'F32':
      return { dtype: 'float32', data: new Float32Array(buffer) };
    case 'F64':
      return { dtype: 'float32', data: Float32Array.from(new Float64Array(buffer)) };
    case 'F16':
      return {
        dtype: 'float32',
        data: Float32Array.from(new Uint16Array(buffer), (half) => HALF_VALUES[half]!),
      };
    case 'BF16': {
      const words = Uint32Array.from(new Uint16Array(buffer), (half) => half << 16);
      return { dtype: 'float32', data: new Float32Array(words.buffer) };
    }
    case 'I64': {
      const wide = new BigInt64Array(buffer);
      const tooLarge = wide.find((n) => BigInt.asIntN(32, n) !== n);
      if (tooLarge !== undefined) throw bad(path, `tensor "${name}" holds ${tooLarge}, more than an int32`);
      return { dtype: 'int32', data: Int32Array.from(wide, Number) };
    }
    case 'I32':
      return { dtype: 'int32', data: new Int32Array(buffer) };
    default:
      return { dtype: 'int32', data: Int32Array.from(bytes) };
  }
}

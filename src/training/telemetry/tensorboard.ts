/**
 * TensorBoard's event files: TFRecord frames (length, masked CRC32C of it, data, masked CRC32C of that) around
 * protobuf messages (tensorflow/core/util/event.proto, framework/summary.proto), of which scalars and images are needed.
 */

/** The first record of a file. `at`: Unix seconds, as everywhere here. */
export function eventFileStart(at: number): Buffer {
  return record([double(1, at), bytes(3, Buffer.from('brain.Event:2'))]);
}

/** The record of one step; a scalar is stored as float32. */
export function scalarEvent(
  step: number,
  at: number,
  scalars: readonly (readonly [tag: string, value: number])[],
): Buffer {
  const values = scalars.map(([tag, value]) => bytes(1, bytes(1, Buffer.from(tag)), float(2, value)));
  return summaryEvent(step, at, values);
}

/** The record of an encoded RGB image. */
export function imageEvent(
  step: number,
  at: number,
  tag: string,
  { width, height, png }: { width: number; height: number; png: Uint8Array },
): Buffer {
  const RGB = 3;
  const sizes = [height, width, RGB].flatMap((value, i) => [key(i + 1, VARINT), varint(value)]);
  const image = bytes(4, ...sizes, bytes(4, Buffer.from(png)));
  return summaryEvent(step, at, [bytes(1, bytes(1, Buffer.from(tag)), image)]);
}

const summaryEvent = (step: number, at: number, values: readonly Buffer[]) =>
  record([double(1, at), key(2, VARINT), varint(step), bytes(5, ...values)]);

function record(message: readonly Buffer[]): Buffer {
  const data = Buffer.concat(message);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, maskedCrc(length), data, maskedCrc(data)]);
}

// Protobuf: a field is its key (number and wire type), then its value.
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

const key = (field: number, type: number) => varint(8 * field + type);

/** Seven bits a byte, the lowest first. No bit operators: a step may need more than 32 bits. */
function varint(value: number): Buffer {
  const out: number[] = [];
  for (let rest = value; out.length === 0 || rest > 0; rest = Math.floor(rest / 128)) {
    out.push((rest % 128) + (rest >= 128 ? 128 : 0));
  }
  return Buffer.from(out);
}

function double(field: number, value: number): Buffer {
  const data = Buffer.alloc(8);
  data.writeDoubleLE(value);
  return Buffer.concat([key(field, FIXED64), data]);
}

function float(field: number, value: number): Buffer {
  const data = Buffer.alloc(4);
  data.writeFloatLE(value);
  return Buffer.concat([key(field, FIXED32), data]);
}

function bytes(field: number, ...parts: readonly Buffer[]): Buffer {
  const data = Buffer.concat(parts);
  return Buffer.concat([key(field, LENGTH_DELIMITED), varint(data.length), data]);
}

/** CRC32C's polynomial with its bits reversed. */
const CASTAGNOLI = 0x82f63b78;

const CRC_OF_BYTE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CASTAGNOLI : crc >>> 1;
  return crc;
});

/** CRC32C (RFC 3720, B.4) of some bytes. */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = CRC_OF_BYTE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** As TFRecord stores it: rotated and shifted, so that a CRC over data that holds CRCs stays a good one. */
function maskedCrc(data: Uint8Array): Buffer {
  const crc = crc32c(data);
  const out = Buffer.alloc(4);
  out.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  return out;
}

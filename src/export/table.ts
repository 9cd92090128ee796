/** Tables as a list of typed columns, written row by row: what the layouts in Parquet are made of. */
import { DiptychError } from '../errors.ts';
import type { Written } from './sink.ts';

export type ColumnType = 'string' | 'int32' | 'int64' | 'float64' | 'bool' | 'binary' | 'timestamp' | 'image';

/** One of the values that a row of a layout has, whatever it is written as. */
export interface Field {
  name: string;
  type: string;
  /** For the dataset card and docs/exports.md. */
  about: string;
}

export interface Column extends Field {
  type: ColumnType;
}

/** A field with where its value comes from: one list makes schema, rows, card and documentation. */
export type Of<Source, F extends Field = Column> = F & { of(source: Source): unknown };

/** Values by column name. image: {bytes, path}; int64: a safe integer or a bigint; timestamp: a Date; null anywhere. */
export type Row = Record<string, unknown>;

export const rowOf = <Source>(fields: readonly Of<Source, Field>[], source: Source): Row =>
  Object.fromEntries(fields.map(({ name, of }) => [name, of(source)]));

const HOLDS: Record<ColumnType, (value: unknown) => boolean> = {
  string: (value) => typeof value === 'string',
  int32: (value) => typeof value === 'number' && (value | 0) === value,
  int64: (value) =>
    Number.isSafeInteger(value) || (typeof value === 'bigint' && BigInt.asIntN(64, value) === value),
  float64: (value) => typeof value === 'number',
  bool: (value) => typeof value === 'boolean',
  binary: (value) => value instanceof Uint8Array,
  timestamp: (value) => value instanceof Date && !Number.isNaN(value.getTime()),
  image: (value) => (value as { bytes?: unknown }).bytes instanceof Uint8Array,
};

/**
 * The column's value in a row, null where there is none. Throws DIPTYCH_INVALID_INPUT for one that the column
 * would change: a wrong type, a fraction among integers, an integer that was rounded before it came here.
 */
export function checkedValue(row: Row, { name, type }: Column): unknown {
  const value = row[name] ?? null;
  if (value === null || HOLDS[type](value)) return value;
  throw new DiptychError(
    'DIPTYCH_INVALID_INPUT',
    `column ${name} is ${type} and can't hold ${String(value)}`,
  );
}

/** Bytes of what may be large; numbers don't count. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  return (value as { bytes?: Uint8Array } | null)?.bytes?.length ?? 0;
}

/** A row group is written at this many bytes or rows, whichever comes first (Hugging Face asks for <= 100 MB). */
export const GROUP_BYTES = 32 * 1024 * 1024;
export const GROUP_ROWS = 1000;

export interface TableFile extends Written {
  path: string;
  rows: number;
}

export interface TableWriter {
  write(row: Row): Promise<void>;
  /** Finishes the file; nothing is readable under its final name before. */
  close(): Promise<TableFile>;
}

/** Hugging Face's description of the columns, for the footer key "huggingface". */
export function huggingFaceFeatures(columns: readonly Column[]): string {
  const dtypes: Record<ColumnType, string | null> = {
    string: 'string',
    int32: 'int32',
    int64: 'int64',
    float64: 'float64',
    bool: 'bool',
    binary: 'binary',
    timestamp: 'timestamp[ms, tz=UTC]',
    image: null,
  };
  const feature = ({ type }: Column) =>
    type === 'image' ? { _type: 'Image' } : { dtype: dtypes[type], _type: 'Value' };
  const features = Object.fromEntries(columns.map((column) => [column.name, feature(column)]));
  return JSON.stringify({ info: { features } });
}

/** Tables as a list of typed columns, written row by row: what every export layout is made of. */
import { DiptychError } from '../errors.ts';

export type ColumnType = 'string' | 'int32' | 'int64' | 'float64' | 'bool' | 'binary' | 'timestamp' | 'image';

export interface Column {
  name: string;
  type: ColumnType;
  /** For the dataset card. */
  about: string;
}

/** Values by column name. image: {bytes, path}; int64: a safe integer or a bigint; timestamp: a Date; null anywhere. */
export type Row = Record<string, unknown>;

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

export interface TableFile {
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

/** Tables as a list of typed columns, written row by row: what every export layout is made of. */

export type ColumnType = 'string' | 'int32' | 'int64' | 'float64' | 'bool' | 'binary' | 'timestamp' | 'image';

export interface Column {
  name: string;
  type: ColumnType;
  /** For the dataset card. */
  about: string;
}

/** Values by column name. image: {bytes, path}; int64: a safe integer; timestamp: a Date; null anywhere. */
export type Row = Record<string, unknown>;

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

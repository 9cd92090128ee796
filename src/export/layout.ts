/**
 * What a layout is: a module that names its fields and writes annotations, one after the other, into a folder of its
 * own. Everything it writes follows from the entries and the context, so equal input gives equal bytes.
 */
import path from 'node:path';
import type { CandidatePair, Comparison } from './pairs.ts';
import { OPEN_TABLE, type ParquetWriterName } from './parquet-writers.ts';
import { type ExportAnnotation, SPLITS, type Split } from './rows.ts';
import { openSplit, type SplitWriter } from './shards.ts';
import type { Written } from './sink.ts';
import { type Column, type Field, type Row, sizeOf, type TableFile } from './table.ts';

export interface LayoutContext {
  /** Dataset version that the rows belong to. */
  version: string;
  /** In the order of their columns. */
  metrics: readonly string[];
  /** The reward's policy and weights, as JSON. */
  reward: string;
  /** Rewards that differ by this much or less are a tie. */
  margin: number;
  writer: ParquetWriterName;
}

export interface Entry {
  annotation: ExportAnnotation;
  split: Split;
  pairs: readonly CandidatePair[];
  /** The pairs, and what else the pairing policy compared. */
  comparisons: readonly Comparison[];
  /** The encoded image; asked for twice it is read once. */
  image(sha256: string): Promise<Uint8Array>;
}

/** A file of an export; its name has "/" between folders. */
export interface ExportedFile extends Written {
  name: string;
  /** Of a file that has any. */
  rows?: number;
}

export interface LayoutResult {
  files: ExportedFile[];
  /** Rows, or entries, of each split; of all where the layout has no splits. */
  rows: Record<string, number>;
}

export interface LayoutWriter {
  write(entry: Entry): Promise<void>;
  close(): Promise<LayoutResult>;
}

export interface Layout {
  title: string;
  /** What a row is and who reads it; one paragraph of Markdown. */
  about: string;
  fields(metrics: readonly string[]): readonly Field[];
  /** Whether a kept tie can be told in it. */
  tellsTies: boolean;
  /** Whether it is written by one of the Parquet libraries. */
  isParquet: boolean;
  /** Files of a split as load_dataset finds them; absent where it has nothing to load. */
  filesOf?(split: Split): string;
  open(folder: string, context: LayoutContext): Promise<LayoutWriter>;
}

type Splits<T> = Record<Split, T>;

/** Both splits as Parquet below `data/`. */
export async function openTables(
  folder: string,
  columns: readonly Column[],
  writer: ParquetWriterName,
): Promise<Splits<SplitWriter<Row>>> {
  return openSplits(folder, 'parquet', (file) => OPEN_TABLE[writer](file, columns));
}

export async function openSplits<T>(
  folder: string,
  extension: string,
  open: Parameters<typeof openSplit<T>>[3],
): Promise<Splits<SplitWriter<T>>> {
  const data = path.join(folder, 'data');
  const [train, validation] = await Promise.all(SPLITS.map((name) => openSplit(data, name, extension, open)));
  return { train: train!, validation: validation! };
}

export async function closeSplits(folder: string, splits: Splits<SplitWriter<never>>): Promise<LayoutResult> {
  const result: LayoutResult = { files: [], rows: {} };
  for (const name of SPLITS) {
    const files = await splits[name].close();
    result.rows[name] = files.reduce((sum, { rows }) => sum + rows, 0);
    result.files.push(...files.map((file) => exportedFile(folder, file)));
  }
  return result;
}

/** A file by its name within the folder. */
export function exportedFile(folder: string, { path: file, ...facts }: TableFile): ExportedFile {
  return { name: path.relative(folder, file).replaceAll(path.sep, '/'), ...facts };
}

/** About how many bytes a row takes. */
export const rowBytes = (row: Row) => Object.values(row).reduce<number>((sum, v) => sum + sizeOf(v), 0);

/** Of an annotation's images each is read when it is first asked for. */
export function readOnce(load: Entry['image']): Entry['image'] {
  const read = new Map<string, Promise<Uint8Array>>();
  return (sha256) => {
    const known = read.get(sha256) ?? load(sha256);
    read.set(sha256, known);
    return known;
  };
}

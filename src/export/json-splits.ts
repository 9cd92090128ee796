/** A JSON array of entries for each split: `train.json` and `validation.json`, an entry a line. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { LayoutResult } from './layout.ts';
import { SPLITS, type Split } from './rows.ts';
import { fileSink } from './sink.ts';
import type { Row } from './table.ts';

export async function openJsonSplits(folder: string) {
  await mkdir(folder, { recursive: true });
  const open = (name: string) => ({ name, rows: 0, sink: fileSink(path.join(folder, name)) });
  const splits = { train: open('train.json'), validation: open('validation.json') };
  return {
    write(split: Split, entry: Row): void {
      const { sink, rows } = splits[split];
      sink.write(Buffer.from(`${rows === 0 ? '[' : ','}\n${JSON.stringify(entry)}`));
      splits[split].rows++;
    },
    /** A split without entries is an empty array. */
    close(): LayoutResult {
      const files = SPLITS.map((split) => {
        const { name, rows, sink } = splits[split];
        sink.write(Buffer.from(rows === 0 ? '[]\n' : '\n]\n'));
        return { name, rows, ...sink.close() };
      });
      return { files, rows: { train: splits.train.rows, validation: splits.validation.rows } };
    },
  };
}

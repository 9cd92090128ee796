/** `dropped.jsonl`: what filters left out of an export, and what makes no pair, a line each with its reason. */
import path from 'node:path';
import { type Dropped, type FilterSettings, openFilter, unpaired } from './filters.ts';
import type { Entry, ExportedFile } from './layout.ts';
import type { Comparison } from './pairs.ts';
import type { ExportAnnotation } from './rows.ts';
import { fileSink } from './sink.ts';

export const DROPPED = 'dropped.jsonl';

export function openDropped(folder: string, settings: FilterSettings) {
  const sink = fileSink(path.join(folder, DROPPED));
  const filter = openFilter(settings);
  const counts: Partial<Record<Dropped['reason'], number>> = {};
  const note = (dropped: readonly Dropped[]) => {
    for (const line of dropped) {
      sink.write(Buffer.from(`${JSON.stringify(line)}\n`));
      counts[line.reason] = (counts[line.reason] ?? 0) + 1;
    }
  };
  return {
    /** The annotation with the candidates that stay. */
    async filter(annotation: ExportAnnotation, image: Entry['image']): Promise<ExportAnnotation> {
      const { annotation: kept, dropped } = await filter(annotation, image);
      note(dropped);
      return kept;
    },
    addUnpaired: (imgId: string, comparisons: readonly Comparison[]) => note(unpaired(imgId, comparisons)),
    /** The file, and how many lines there are of each reason. */
    close(): { file: ExportedFile; counts: Partial<Record<Dropped['reason'], number>> } {
      const rows = Object.values(counts).reduce((sum, count) => sum + count, 0);
      return { file: { name: DROPPED, rows, ...sink.close() }, counts };
    },
  };
}

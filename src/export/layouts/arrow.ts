/** Scores alone as an Arrow IPC stream. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { arrowEncoder } from '../arrow.ts';
import type { Layout } from '../layout.ts';
import { SCORE_COLUMNS, scoreRows } from '../score-rows.ts';
import { fileSink } from '../sink.ts';

const FILE = 'scores.arrows';

export const arrow: Layout = {
  title: 'Scores (Arrow stream)',
  about: 'One row per candidate and metric, without images, for pyarrow, polars and DuckDB.',
  fields: () => SCORE_COLUMNS,
  tellsTies: true,
  isParquet: false,
  async open(folder) {
    await mkdir(folder, { recursive: true });
    const sink = fileSink(path.join(folder, FILE));
    const encoder = arrowEncoder(SCORE_COLUMNS);
    sink.write(encoder.schema());
    let rows = 0;
    return {
      async write({ annotation: { imgId, candidates } }) {
        for (const candidate of candidates) {
          const added = scoreRows({ imgId, ...candidate });
          rows += added.length;
          for (const bytes of encoder.add(added)) sink.write(bytes);
        }
      },
      async close() {
        for (const bytes of encoder.end()) sink.write(bytes);
        return { files: [{ name: FILE, rows, ...sink.close() }], rows: { train: rows } };
      },
    };
  },
};

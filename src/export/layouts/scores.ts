/** Scores alone, without images: a row per candidate and metric, as one Parquet file. */
import path from 'node:path';
import { exportedFile, type Layout } from '../layout.ts';
import { OPEN_TABLE } from '../parquet-writers.ts';
import { SCORE_COLUMNS, scoreRows } from '../score-rows.ts';

export const scores: Layout = {
  title: 'Scores',
  about: 'One row per candidate and metric, without images, for analysis.',
  fields: () => SCORE_COLUMNS,
  tellsTies: true,
  isParquet: true,
  filesOf: () => 'scores.parquet',
  async open(folder, { writer }) {
    const table = await OPEN_TABLE[writer](path.join(folder, 'scores.parquet'), SCORE_COLUMNS);
    return {
      async write({ annotation: { imgId, candidates } }) {
        for (const candidate of candidates) {
          for (const row of scoreRows({ imgId, ...candidate })) await table.write(row);
        }
      },
      async close() {
        const file = await table.close();
        return { files: [exportedFile(folder, file)], rows: { train: file.rows } };
      },
    };
  },
};

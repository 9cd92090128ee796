/** What a set is like before anybody trains on it: a report, and a row per candidate that says what its image repeats. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { hashText } from '../../quality/difference-hash.ts';
import { type Fingerprint, findRepeats, NEAR_BITS, type Repeat } from '../../quality/repeats.ts';
import { qualityReport } from '../../quality/report.ts';
import { fingerprintOf } from '../fingerprint.ts';
import { exportedFile, type Layout } from '../layout.ts';
import { OPEN_TABLE } from '../parquet-writers.ts';
import type { ExportAnnotation, ExportCandidate } from '../rows.ts';
import { writeWhole } from '../sink.ts';
import { type Of, rowOf } from '../table.ts';
import { ANNOTATION_ID, datasetVersion } from './common-fields.ts';

interface PrintSource {
  annotation: ExportAnnotation;
  candidate: ExportCandidate;
  print: Fingerprint;
  repeat: Repeat | null;
  version: string;
}

const COLUMNS: readonly Of<PrintSource>[] = [
  ANNOTATION_ID,
  {
    name: 'image_index',
    type: 'int32',
    about: 'slot of the candidate, from 0',
    of: (s) => s.candidate.slot,
  },
  { name: 'sha256', type: 'string', about: 'hash of the image file', of: (s) => s.candidate.sha256 },
  {
    name: 'difference_hash',
    type: 'string',
    about: 'dHash of the picture, 64 bits, as ImageHash prints it',
    of: (s) => hashText(s.print),
  },
  {
    name: 'repeats',
    type: 'string',
    about: `nearest earlier candidate at most ${NEAR_BITS} bits away, as ANNOTATION-SLOT`,
    of: (s) => s.repeat?.of ?? null,
  },
  { name: 'distance', type: 'int32', about: 'bits between the two', of: (s) => s.repeat?.distance ?? null },
  { name: 'exact', type: 'bool', about: 'they are the same file', of: (s) => s.repeat?.exact ?? null },
  datasetVersion('the rows were made from'),
];

const TABLE = 'candidates.parquet';
export const QUALITY_REPORT = 'quality.json';

export const quality: Layout = {
  title: 'Quality of the set',
  about:
    'No data to train on, but what the set is like: `quality.json` has repeats, distributions, margins, ties, agreement between metrics and coverage (docs/quality.md), and a table has a row per candidate.',
  fields: () => COLUMNS,
  tellsTies: true,
  isParquet: true,
  filesOf: () => TABLE,
  async open(folder, { version, writer }) {
    await mkdir(folder, { recursive: true });
    const table = await OPEN_TABLE[writer](path.join(folder, TABLE), COLUMNS);
    const repeats = findRepeats(NEAR_BITS);
    const report = qualityReport();
    return {
      async write({ annotation, comparisons, image }) {
        const candidates = [];
        for (const candidate of annotation.candidates) {
          const print = await fingerprintOf(annotation.imgId, candidate, image);
          const repeat = repeats.find(print);
          repeats.keep(print);
          candidates.push({ ...candidate, repeat });
          await table.write(rowOf(COLUMNS, { annotation, candidate, print, repeat, version }));
        }
        report.add({
          body: annotation.body,
          candidates,
          comparisons: comparisons.map(({ pair: { margin }, leftOut }) => ({ margin, leftOut })),
        });
      },
      async close() {
        const file = await table.close();
        const json = `${JSON.stringify({ version, ...report.result() }, null, 1)}\n`;
        const written = writeWhole(path.join(folder, QUALITY_REPORT), json);
        return {
          files: [exportedFile(folder, file), { name: QUALITY_REPORT, ...written }],
          rows: { train: file.rows },
        };
      },
    };
  },
};

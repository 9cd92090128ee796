/** Paired folders: a file of equal name in `win` and in `lose`, with the caption beside each. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { ExportedFile, Layout } from '../layout.ts';
import type { CandidatePair } from '../pairs.ts';
import { SPLITS } from '../rows.ts';
import { writeWhole } from '../sink.ts';
import type { Field } from '../table.ts';

const FIELDS: readonly Field[] = [
  {
    name: 'SPLIT/win/NAME.png',
    type: 'image file',
    about: 'the better image of pair NAME, a number of seven digits',
  },
  { name: 'SPLIT/lose/NAME.png', type: 'image file', about: 'the worse image' },
  { name: 'SPLIT/win/NAME.txt', type: 'text file', about: 'the prompt' },
  { name: 'SPLIT/lose/NAME.txt', type: 'text file', about: 'the prompt again' },
];

const SIDES = ['win', 'lose'] as const;
const imageOf = { win: (pair: CandidatePair) => pair.winner, lose: (pair: CandidatePair) => pair.loser };

export const folders: Layout = {
  title: 'Preference pairs (paired folders)',
  about:
    'Two folders whose files pair by name, for SimpleTuner and the DPO branches of kohya and OneTrainer. SPLIT is train or validation.',
  fields: () => FIELDS,
  tellsTies: false,
  isParquet: false,
  async open(folder) {
    const files: ExportedFile[] = [];
    const rows = { train: 0, validation: 0 };
    for (const split of SPLITS) {
      for (const side of SIDES) await mkdir(path.join(folder, split, side), { recursive: true });
    }
    return {
      async write({ annotation, split, pairs, image }) {
        for (const pair of pairs) {
          const number = String(rows[split]++).padStart(7, '0');
          for (const side of SIDES) {
            const name = `${split}/${side}/${number}`;
            const bytes = await image(imageOf[side](pair).sha256);
            files.push(
              { name: `${name}.png`, ...writeWhole(path.join(folder, `${name}.png`), bytes) },
              { name: `${name}.txt`, ...writeWhole(path.join(folder, `${name}.txt`), annotation.prompt) },
            );
          }
        }
      },
      close: async () => ({ files, rows }),
    };
  },
};

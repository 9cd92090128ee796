/** Chosen and rejected images, in the columns of data-is-better-together/open-image-preferences-v1-binarized. */
import { closeSplits, type Layout, openTables, rowBytes } from '../layout.ts';
import type { CandidatePair } from '../pairs.ts';
import type { ExportAnnotation } from '../rows.ts';
import { type Of, rowOf } from '../table.ts';
import { ANNOTATION_ID, datasetVersion, LABEL_SOURCE, PROMPT } from './common-fields.ts';

interface ChosenSource {
  annotation: ExportAnnotation;
  pair: CandidatePair;
  chosen: Uint8Array;
  rejected: Uint8Array;
  version: string;
}

const absent = (name: string): Of<ChosenSource> => ({
  name,
  type: 'string',
  about: 'empty: of that dataset alone',
  of: () => null,
});

const COLUMNS: readonly Of<ChosenSource>[] = [
  {
    name: 'id',
    type: 'string',
    about: 'CHOSEN/REJECTED, each as ANNOTATION-SLOT',
    of: ({ pair }) => `${pair.winnerUid}/${pair.loserUid}`,
  },
  PROMPT,
  {
    name: 'chosen',
    type: 'image',
    about: 'the better image',
    of: ({ chosen, pair }) => ({ bytes: chosen, path: `${pair.winnerUid}.png` }),
  },
  {
    name: 'rejected',
    type: 'image',
    about: 'the worse image',
    of: ({ rejected, pair }) => ({ bytes: rejected, path: `${pair.loserUid}.png` }),
  },
  {
    name: 'chosen_model',
    type: 'string',
    about: 'generator of the better image',
    of: ({ pair }) => pair.winner.generation.model,
  },
  {
    name: 'rejected_model',
    type: 'string',
    about: 'generator of the worse image',
    of: ({ pair }) => pair.loser.generation.model,
  },
  ...['evolution', 'category', 'sub_category'].map(absent),
  ANNOTATION_ID,
  {
    name: 'chosen_reward',
    type: 'float64',
    about: 'reward of the better image',
    of: ({ pair }) => pair.winner.reward,
  },
  {
    name: 'rejected_reward',
    type: 'float64',
    about: 'reward of the worse image',
    of: ({ pair }) => pair.loser.reward,
  },
  { name: 'chosen_sha256', type: 'string', about: 'hash of its file', of: ({ pair }) => pair.winner.sha256 },
  { name: 'rejected_sha256', type: 'string', about: 'hash of its file', of: ({ pair }) => pair.loser.sha256 },
  LABEL_SOURCE,
  datasetVersion('the rows were made from'),
];

export const binarized: Layout = {
  title: 'Preference pairs (chosen and rejected)',
  about:
    'One row per pair, as open-image-preferences-v1-binarized has them, with images that the dataset viewer shows.',
  fields: () => COLUMNS,
  tellsTies: false,
  isParquet: true,
  filesOf: (split) => `data/${split}-*.parquet`,
  async open(folder, { version, writer }) {
    const splits = await openTables(folder, COLUMNS, writer);
    return {
      async write({ annotation, split, pairs, image }) {
        for (const pair of pairs) {
          const [chosen, rejected] = [await image(pair.winner.sha256), await image(pair.loser.sha256)];
          const row = rowOf(COLUMNS, { annotation, pair, chosen, rejected, version });
          await splits[split].write(row, rowBytes(row));
        }
      },
      close: () => closeSplits(folder, splits),
    };
  },
};

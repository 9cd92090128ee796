/** HPDv3's pair JSON, as HPSv3 and EditReward read it: `path1` is always the preferred image. */
import { openJsonSplits } from '../json-splits.ts';
import type { Layout } from '../layout.ts';
import { looseImages } from '../loose-images.ts';
import type { CandidatePair } from '../pairs.ts';
import type { ExportAnnotation } from '../rows.ts';
import { type Field, type Of, rowOf } from '../table.ts';
import { ANNOTATION_ID, datasetVersion, LABEL_SOURCE, PROMPT } from './common-fields.ts';

interface PathSource {
  annotation: ExportAnnotation;
  pair: CandidatePair;
  path1: string;
  path2: string;
  version: string;
}

const FIELDS: readonly Of<PathSource, Field>[] = [
  PROMPT,
  {
    name: 'choice_dist',
    type: 'list of int',
    about: 'people who preferred the better and the worse image; null where nobody voted',
    of: ({ pair: { votes } }) => votes && [votes.winner, votes.loser],
  },
  {
    name: 'confidence',
    type: 'float',
    about: 'share of the voters who preferred the better image; null where nobody voted',
    of: ({ pair: { votes } }) => votes && votes.winner / (votes.winner + votes.loser + votes.neither),
  },
  { name: 'path1', type: 'string', about: 'file of the better image, from this folder', of: (s) => s.path1 },
  { name: 'path2', type: 'string', about: 'file of the worse image', of: (s) => s.path2 },
  {
    name: 'model1',
    type: 'string',
    about: 'generator of the better image',
    of: ({ pair }) => pair.winner.generation.model,
  },
  {
    name: 'model2',
    type: 'string',
    about: 'generator of the worse image',
    of: ({ pair }) => pair.loser.generation.model,
  },
  ANNOTATION_ID,
  {
    name: 'model1_overall_score',
    type: 'float',
    about: 'reward of the better image',
    of: ({ pair }) => pair.winner.reward,
  },
  {
    name: 'model2_overall_score',
    type: 'float',
    about: 'reward of the worse image',
    of: ({ pair }) => pair.loser.reward,
  },
  {
    name: 'metrics1',
    type: 'string',
    about: 'raw scores of the better image, JSON',
    of: ({ pair }) => JSON.stringify(pair.winner.scores),
  },
  {
    name: 'metrics2',
    type: 'string',
    about: 'raw scores of the worse image, JSON',
    of: ({ pair }) => JSON.stringify(pair.loser.scores),
  },
  LABEL_SOURCE,
  datasetVersion('the entry was made from'),
];

export const hpdv3: Layout = {
  title: 'Preference pairs (HPDv3 layout)',
  about: "One entry per pair for HPSv3's `train_json_list`, and for EditReward; the images lie beside it.",
  fields: () => FIELDS,
  tellsTies: false,
  isParquet: false,
  filesOf: (split) => `${split}.json`,
  async open(folder, { version }) {
    const json = await openJsonSplits(folder);
    const images = looseImages(folder);
    return {
      async write({ annotation, split, pairs, image }) {
        for (const pair of pairs) {
          const path1 = await images.name(pair.winner.sha256, image);
          const path2 = await images.name(pair.loser.sha256, image);
          json.write(split, rowOf(FIELDS, { annotation, pair, path1, path2, version }));
        }
      },
      async close() {
        const { files, rows } = json.close();
        return { files: [...files, ...images.files], rows };
      },
    };
  },
};

/** ImageRewardDB's ranking JSON: a prompt, its images, and the rank of each (THUDM/ImageReward, data/test.json). */

import { betterOf, judgements, type Vote } from '../../preference/votes.ts';
import { openJsonSplits } from '../json-splits.ts';
import type { Layout } from '../layout.ts';
import { looseImages } from '../loose-images.ts';
import { byUidVotes } from '../pairs.ts';
import { type ExportAnnotation, type ExportCandidate, imageUid } from '../rows.ts';
import { type Field, type Of, rowOf } from '../table.ts';
import { datasetVersion, PROMPT } from './common-fields.ts';

type Rewarded = ExportCandidate & { reward: number };

interface RankingSource {
  annotation: ExportAnnotation;
  /** Those with a reward, in the order of their slots, with their files. */
  ranked: readonly Rewarded[];
  names: readonly string[];
  ranks: readonly number[];
  version: string;
}

const FIELDS: readonly Of<RankingSource, Field>[] = [
  { name: 'id', type: 'string', about: 'img_id of the LAION-SG annotation', of: (s) => s.annotation.imgId },
  PROMPT,
  {
    name: 'generations',
    type: 'list of string',
    about: 'files of its images, from this folder',
    of: (s) => s.names,
  },
  {
    name: 'ranking',
    type: 'list of int',
    about: 'rank of each by votes, else by reward; 1 is best, ties share a rank',
    of: (s) => s.ranks,
  },
  {
    name: 'rewards',
    type: 'list of float',
    about: 'reward of each',
    of: (s) => s.ranked.map(({ reward }) => reward),
  },
  {
    name: 'metrics',
    type: 'list of string',
    about: 'raw scores of each, JSON',
    of: (s) => s.ranked.map(({ scores }) => JSON.stringify(scores)),
  },
  {
    name: 'voters',
    type: 'int',
    about: 'people who voted on some of them',
    of: (s) => new Set(s.annotation.votes.map(({ voter }) => voter)).size,
  },
  datasetVersion('the entry was made from'),
];

/**
 * 1 and how many are better: by the votes on the two where there are any, else by more than `margin` of reward. A tie
 * shares its rank, as images of equal rank do there.
 */
export function ranksOf(
  images: readonly { uid: string; reward: number }[],
  margin: number,
  votes: readonly Vote[],
): number[] {
  const judged = judgements(votes);
  const isBetter = (a: (typeof images)[number], b: (typeof images)[number]) => {
    const judgement = judged.find(
      ({ first, second }) => (first === a.uid && second === b.uid) || (first === b.uid && second === a.uid),
    );
    return judgement ? betterOf(judgement) === a.uid : a.reward - b.reward > margin;
  };
  return images.map((mine) => 1 + images.filter((other) => isBetter(other, mine)).length);
}

export const imageReward: Layout = {
  title: 'Rankings (ImageRewardDB layout)',
  about:
    'One entry per annotation: all of its images with their ranks. An annotation whose images all tie says nothing and is left out.',
  fields: () => FIELDS,
  tellsTies: true,
  isParquet: false,
  filesOf: (split) => `${split}.json`,
  async open(folder, { version, margin }) {
    const json = await openJsonSplits(folder);
    const images = looseImages(folder);
    return {
      async write({ annotation, split, image }) {
        const ranked = annotation.candidates.filter((one): one is Rewarded => one.reward !== null);
        const { imgId, votes } = annotation;
        const ranks = ranksOf(
          ranked.map(({ slot, reward }) => ({ uid: imageUid(imgId, slot), reward })),
          margin,
          byUidVotes(imgId, votes),
        );
        if (ranks.every((rank) => rank === 1)) return;
        const names = [];
        for (const { sha256 } of ranked) names.push(await images.name(sha256, image));
        json.write(split, rowOf(FIELDS, { annotation, ranked, names, ranks, version }));
      },
      async close() {
        const { files, rows } = json.close();
        return { files: [...files, ...images.files], rows };
      },
    };
  },
};

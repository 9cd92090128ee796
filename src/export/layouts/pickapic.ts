/**
 * The Pick-a-Pic layout that Diffusion-DPO, MaPO and diffusers' trainers read: 19 columns as the dataset has
 * them (yuvalkirstain/pickapic_v2), one row per pair, and ours behind them, which those readers ignore.
 */
import { createHash } from 'node:crypto';
import { hashSeed } from '../../random.ts';
import { closeSplits, type Entry, type Layout, type LayoutContext, openTables, rowBytes } from '../layout.ts';
import type { CandidatePair } from '../pairs.ts';
import type { ExportAnnotation, ExportCandidate } from '../rows.ts';
import { type Of, type Row, rowOf } from '../table.ts';
import { ANNOTATION_ID, datasetVersion } from './common-fields.ts';

/** A candidate on one side of a row. */
interface Side {
  candidate: ExportCandidate;
  uid: string;
  bytes: Uint8Array;
}

interface PairSource {
  annotation: ExportAnnotation;
  pair: CandidatePair;
  sides: readonly [Side, Side];
  /** 1 when side 0 won, 0 when it lost, 0.5 for a tie. */
  label: number;
  pairsOfCaption: number;
  /** Row number within the split. */
  index: number;
  version: string | null;
}

/** A column for each side: `NAME_0` and `NAME_1`. */
function both(
  name: string,
  type: Of<PairSource>['type'],
  about: string,
  of: (side: Side) => unknown,
): Of<PairSource>[] {
  return ([0, 1] as const).map((i) => ({
    name: name.replace('#', String(i)),
    type,
    about: about.replace('#', String(i)),
    of: (s) => of(s.sides[i]),
  }));
}

const uidAndUrl = (i: 0 | 1): Of<PairSource>[] => [
  { name: `image_${i}_uid`, type: 'string', about: 'ANNOTATION-SLOT', of: (s) => s.sides[i].uid },
  { name: `image_${i}_url`, type: 'string', about: `empty: the image is in jpg_${i}`, of: () => '' },
];

const pickScore = ({ candidate }: Side) => candidate.scores.pickscore ?? null;

export const PICKAPIC_COLUMNS: readonly Of<PairSource>[] = [
  {
    name: 'are_different',
    type: 'bool',
    about: 'the two images differ',
    of: ({ sides: [a, b] }) => a.candidate.sha256 !== b.candidate.sha256,
  },
  {
    name: 'best_image_uid',
    type: 'string',
    about: 'uid of the winner, or "tie"',
    of: ({ pair }) => (pair.tie ? 'tie' : pair.winnerUid),
  },
  { name: 'caption', type: 'string', about: 'prompt', of: (s) => s.annotation.prompt },
  {
    name: 'created_at',
    type: 'timestamp',
    about: 'empty: exports are the same byte for byte every time',
    of: () => null,
  },
  { name: 'has_label', type: 'bool', about: 'always true', of: () => true },
  ...uidAndUrl(0),
  ...uidAndUrl(1),
  ...both('jpg_#', 'binary', 'image # (PNG; the readers sniff the format)', (side) => side.bytes),
  {
    name: 'label_0',
    type: 'float64',
    about: '1 when image 0 won, 0 when it lost, 0.5 for a tie',
    of: (s) => s.label,
  },
  { name: 'label_1', type: 'float64', about: '1 - label_0', of: (s) => 1 - s.label },
  ...both('model_#', 'string', 'generator of image #', (side) => side.candidate.generation.model),
  {
    name: 'ranking_id',
    type: 'int64',
    about: 'one number per annotation, the same in every export',
    of: (s) => rankingId(s.annotation.imgId),
  },
  { name: 'user_id', type: 'int64', about: '0: labelled by the machine', of: () => 0 },
  {
    name: 'num_example_per_prompt',
    type: 'int64',
    about: 'pairs with this caption',
    of: (s) => s.pairsOfCaption,
  },
  {
    name: '__index_level_0__',
    type: 'int64',
    about: 'row number; PickScore drops the column by name',
    of: (s) => s.index,
  },
  ANNOTATION_ID,
  ...both('reward_#', 'float64', 'reward of image #', (side) => side.candidate.reward),
  {
    name: 'margin',
    type: 'float64',
    about: 'reward of the winner less that of the loser',
    of: (s) => s.pair.margin,
  },
  ...both('metrics_#', 'string', 'raw scores of image #, JSON', (side) =>
    JSON.stringify(side.candidate.scores),
  ),
  ...both('ps_score_#', 'float64', 'PickScore of image #, null where it was not measured', pickScore),
  {
    name: 'ps_label_0',
    type: 'float64',
    about: '1, 0 or 0.5 by PickScore alone, null where it was not measured',
    of: ({ sides }) => labelOf(pickScore(sides[0]), pickScore(sides[1])),
  },
  ...both('seed_#', 'int64', 'seed of image #, null where unknown', (side) => side.candidate.seed),
  ...both('sha256_#', 'string', 'hash of the bytes of jpg_#', (side) => side.candidate.sha256),
  {
    name: 'sampler',
    type: 'string',
    about: 'sampler of both images',
    of: ({ sides }) => sides[0].candidate.generation.sampler,
  },
  { name: 'pair_policy', type: 'string', about: 'pairing policy', of: (s) => s.pair.policy },
  { name: 'label_source', type: 'string', about: '"machine"', of: () => 'machine' },
  datasetVersion('the rows were made from; null in what a training command gets'),
];

/** 63 bits of a hash: ids of a million annotations meet with a chance of one in ten million. */
function rankingId(imgId: string): bigint {
  return BigInt.asUintN(63, createHash('sha256').update(imgId).digest().readBigUInt64BE());
}

function labelOf(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return null;
  return a === b ? 0.5 : a > b ? 1 : 0;
}

/** Which image stands first is drawn by seed, not by who won: a reader that forgets to flip is caught. */
export async function pickapicRow(
  { annotation, pairs, image }: Pick<Entry, 'annotation' | 'pairs' | 'image'>,
  pair: CandidatePair,
  index: number,
  version: string | null,
): Promise<Row> {
  const winner = { candidate: pair.winner, uid: pair.winnerUid, bytes: await image(pair.winner.sha256) };
  const loser = { candidate: pair.loser, uid: pair.loserUid, bytes: await image(pair.loser.sha256) };
  const swapped = hashSeed('pickapic-side', pair.winnerUid, pair.loserUid) % 2 === 1;
  return rowOf(PICKAPIC_COLUMNS, {
    annotation,
    pair,
    sides: swapped ? [loser, winner] : [winner, loser],
    label: pair.tie ? 0.5 : swapped ? 0 : 1,
    pairsOfCaption: pairs.length,
    index,
    version,
  });
}

export const pickapic: Layout = {
  title: 'Preference pairs (Pick-a-Pic layout)',
  about:
    "One row per pair in the columns of Pick-a-Pic, for the trainers of Diffusion-DPO, Inversion-DPO, MaPO, PickScore and diffusers' DPO scripts. The winner's side is random.",
  fields: () => PICKAPIC_COLUMNS,
  tellsTies: true,
  isParquet: true,
  filesOf: (split) => `data/${split}-*.parquet`,
  async open(folder: string, { version, writer }: LayoutContext) {
    const splits = await openTables(folder, PICKAPIC_COLUMNS, writer);
    const rows = { train: 0, validation: 0 };
    return {
      async write(entry) {
        for (const pair of entry.pairs) {
          const row = await pickapicRow(entry, pair, rows[entry.split]++, version);
          await splits[entry.split].write(row, rowBytes(row));
        }
      },
      close: () => closeSplits(folder, splits),
    };
  },
};

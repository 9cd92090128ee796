/** What of a run is there as a stream of rows, without an export: its scores, rewards and pairs. */
import { DiptychError } from '../errors.ts';
import { allScored, type ScoreVersions, type Variant } from '../store/candidates.ts';
import type { Store } from '../store/client.ts';
import type { DatasetPolicy } from './dataset-version.ts';
import { ANNOTATION_ID, PROMPT } from './layouts/common-fields.ts';
import { imageColumns } from './layouts/images.ts';
import { type CandidatePair, comparisonsOf, pairsIn } from './pairs.ts';
import type { ExportAnnotation } from './rows.ts';
import { SCORE_COLUMNS, scoreRows } from './score-rows.ts';
import { rewardedAnnotations } from './source.ts';
import { type Of, type Row, rowOf } from './table.ts';

export interface RowStream {
  columns: readonly Of<never>[];
  /** Several rows at a time. */
  rows: AsyncIterable<readonly Row[]>;
}

/** A row per candidate and metric. `scores`: which count; absent: the newest of each metric. */
export function scoreStream(
  store: Store,
  runId: string,
  variant: Variant,
  scores?: ScoreVersions,
): RowStream {
  async function* rows() {
    for await (const image of allScored(store, runId, variant, { scores })) yield scoreRows(image);
  }
  return { columns: SCORE_COLUMNS, rows: rows() };
}

/** Columns of the layout "images" that a stream leaves to the export. */
const HEAVY: readonly string[] = ['scene_graph', 'image', 'reward_policy', 'dataset_version'];

/** A row per candidate: the layout "images" without images and scene graphs. */
export function rewardStream(store: Store, runId: string, policy: DatasetPolicy): RowStream {
  const columns = imageColumns(Object.keys(policy.scores).sort()).filter(({ name }) => !HEAVY.includes(name));
  const unused = { bytes: new Uint8Array(), rewardPolicy: '', version: '' };
  async function* rows() {
    for await (const annotation of rewardedAnnotations(store, runId, policy.reward, policy.scores)) {
      yield annotation.candidates.map((candidate) => rowOf(columns, { annotation, candidate, ...unused }));
    }
  }
  return { columns, rows: rows() };
}

interface PairSource {
  annotation: ExportAnnotation;
  pair: CandidatePair;
}

const side = (which: 'winner' | 'loser'): Of<PairSource>[] => [
  {
    name: `${which}_index`,
    type: 'int32',
    about: `slot of the ${which}`,
    of: ({ pair }) => pair[which].slot,
  },
  {
    name: `${which}_sha256`,
    type: 'string',
    about: 'hash of its image',
    of: ({ pair }) => pair[which].sha256,
  },
  { name: `${which}_reward`, type: 'float64', about: 'its reward', of: ({ pair }) => pair[which].reward },
];

export const PAIR_COLUMNS: readonly Of<PairSource>[] = [
  ANNOTATION_ID,
  PROMPT,
  ...side('winner'),
  ...side('loser'),
  { name: 'margin', type: 'float64', about: 'how far the rewards are apart', of: ({ pair }) => pair.margin },
  { name: 'pair_policy', type: 'string', about: 'pairing policy', of: ({ pair }) => pair.policy },
  { name: 'tie', type: 'bool', about: 'kept although it is a tie', of: ({ pair }) => pair.tie },
];

/** A row per pair. */
export function pairStream(store: Store, runId: string, policy: DatasetPolicy): RowStream {
  const dominance = policy.reward.policy === 'dominance';
  async function* rows() {
    for await (const annotation of rewardedAnnotations(store, runId, policy.reward, policy.scores)) {
      const pairs = pairsIn(comparisonsOf(annotation, policy.pairs, dominance));
      yield pairs.map((pair) => rowOf(PAIR_COLUMNS, { annotation, pair }));
    }
  }
  return { columns: PAIR_COLUMNS, rows: rows() };
}

/** Some of the columns, in the order asked for. Throws DIPTYCH_INVALID_INPUT for one that there is not. */
export function selected<C extends { name: string }>(columns: readonly C[], names: readonly string[]): C[] {
  return [...new Set(names)].map((name) => {
    const column = columns.find((one) => one.name === name);
    if (column) return column;
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `columns names "${name}"; there are ${columns.map((one) => one.name).join(', ')}`,
    );
  });
}

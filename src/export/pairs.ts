/** The pairs of an annotation, as exports have them. */
import { formPairs, type PairSettings } from '../preference/pairs.ts';
import type { LeftOut } from '../quality/report.ts';
import { type ExportAnnotation, type ExportCandidate, imageUid } from './rows.ts';

export interface CandidatePair {
  winner: ExportCandidate;
  loser: ExportCandidate;
  winnerUid: string;
  loserUid: string;
  /** Reward of the winner less that of the loser. */
  margin: number;
  policy: string;
  /** The winner is then the one of the earlier slot. */
  tie: boolean;
}

/** Two candidates that the pairing policy compares, and why they make no pair. */
export interface Comparison {
  pair: CandidatePair;
  /** "size": the images have unequal sizes; one reader scales the second to the size of the first. */
  leftOut: LeftOut | null;
}

/** In the order of their slots. `dominance`: a winner has to be as good on every metric. */
export function comparisonsOf(
  { imgId, candidates }: ExportAnnotation,
  settings: PairSettings,
  dominance: boolean,
): Comparison[] {
  const rewarded = candidates.map(({ slot, reward, scores }) => ({
    id: imageUid(imgId, slot),
    annotationId: imgId,
    slot,
    reward,
    metrics: scores,
  }));
  const byUid = new Map(candidates.map((candidate) => [imageUid(imgId, candidate.slot), candidate]));
  const key = ({ winner, loser }: { winner: string; loser: string }) => `${winner}/${loser}`;
  const formed = new Set(formPairs(rewarded, settings, dominance).map(key));
  return formPairs(rewarded, { ...settings, ties: 'keep' }, false).map((compared) => {
    const { winner, loser, margin, policy, tie } = compared;
    const pair = {
      ...{ winner: byUid.get(winner)!, loser: byUid.get(loser)! },
      ...{ winnerUid: winner, loserUid: loser, margin, policy, tie },
    };
    if (!formed.has(key(compared)))
      return { pair, leftOut: tie && settings.ties === 'drop' ? 'tie' : 'dominance' };
    return { pair, leftOut: sameSize(pair.winner, pair.loser) ? null : 'size' };
  });
}

export const pairsIn = (comparisons: readonly Comparison[]): CandidatePair[] =>
  comparisons.filter(({ leftOut }) => leftOut === null).map(({ pair }) => pair);

const sameSize = (a: ExportCandidate, b: ExportCandidate) => a.width === b.width && a.height === b.height;

/** The pairs of an annotation, as exports have them. */
import { formPairs, type PairSettings } from '../preference/pairs.ts';
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

export interface PairsOfAnnotation {
  pairs: CandidatePair[];
  /** Pairs left out, for one reader scales the second image to the size of the first. */
  unequalSizes: number;
}

export function pairsOf(
  { imgId, candidates }: ExportAnnotation,
  settings: PairSettings,
  dominance: boolean,
): PairsOfAnnotation {
  const rewarded = candidates.map(({ slot, reward, scores }) => ({
    id: imageUid(imgId, slot),
    annotationId: imgId,
    slot,
    reward,
    metrics: scores,
  }));
  const byUid = new Map(candidates.map((candidate) => [imageUid(imgId, candidate.slot), candidate]));
  const all = formPairs(rewarded, settings, dominance).map(({ winner, loser, margin, policy, tie }) => ({
    winner: byUid.get(winner)!,
    loser: byUid.get(loser)!,
    winnerUid: winner,
    loserUid: loser,
    margin,
    policy,
    tie,
  }));
  const pairs = all.filter(({ winner, loser }) => sameSize(winner, loser));
  return { pairs, unequalSizes: all.length - pairs.length };
}

const sameSize = (a: ExportCandidate, b: ExportCandidate) => a.width === b.width && a.height === b.height;

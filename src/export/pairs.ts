/** The pairs of an annotation, as exports have them. */
import { formPairs, type PairSettings } from '../preference/pairs.ts';
import type { Vote, VoteCount } from '../preference/votes.ts';
import { type ExportAnnotation, type ExportCandidate, imageUid } from './rows.ts';

export interface CandidatePair {
  winner: ExportCandidate;
  loser: ExportCandidate;
  winnerUid: string;
  loserUid: string;
  /** Reward of the winner less that of the loser; below 0 where people preferred the one of lower reward. */
  margin: number;
  policy: string;
  /** The winner is then the one of the earlier slot. */
  tie: boolean;
  /** Null where nobody voted on the two. */
  votes: VoteCount | null;
}

export interface PairsOfAnnotation {
  pairs: CandidatePair[];
  /** Pairs left out, for one reader scales the second image to the size of the first. */
  unequalSizes: number;
}

export function pairsOf(
  { imgId, candidates, votes }: ExportAnnotation,
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
  const formed = formPairs(rewarded, settings, dominance, byUidVotes(imgId, votes));
  const all = formed.map(({ winner, loser, margin, policy, tie, votes }) => ({
    winner: byUid.get(winner)!,
    loser: byUid.get(loser)!,
    winnerUid: winner,
    loserUid: loser,
    margin,
    policy,
    tie,
    votes,
  }));
  const pairs = all.filter(({ winner, loser }) => sameSize(winner, loser));
  return { pairs, unequalSizes: all.length - pairs.length };
}

/** With candidates by the names of their images. */
export function byUidVotes(imgId: string, votes: ExportAnnotation['votes']): Vote[] {
  const uids = (slots: readonly number[]) => slots.map((slot) => imageUid(imgId, slot));
  return votes.map(({ voter, slots, ranking }) => ({
    voter,
    candidates: uids(slots),
    ranking: uids(ranking),
  }));
}

const sameSize = (a: ExportCandidate, b: ExportCandidate) => a.width === b.width && a.height === b.height;

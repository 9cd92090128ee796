/** A user study: how often people prefer the tuned model's image to the base's (the paper's Table S4). */
import { mean } from '../mean.ts';
import { wilsonInterval } from './wilson.ts';

/** One person's answer about images of one annotation and slot. */
export interface StudyVote {
  annotationId: string;
  better: 'base' | 'tuned' | null;
}

export interface StudyResult {
  /** Annotations with a vote, and votes. */
  annotations: number;
  votes: number;
  base: number;
  tuned: number;
  neither: number;
  /** Share for the tuned model, neither as half: the mean over annotations of the share of each. Null without votes. */
  winRate: number | null;
  /** 95%, by Wilson over annotations, as votes on the same images are not independent. */
  interval95: [low: number, high: number] | null;
}

export function studyResult(votes: readonly StudyVote[]): StudyResult {
  const byAnnotation = Map.groupBy(votes, ({ annotationId }) => annotationId);
  const shares = [...byAnnotation.values()].map((own) =>
    mean(own.map(({ better }) => SHARE[better ?? 'neither'])),
  );
  const count = shares.length;
  const winRate = count === 0 ? null : mean(shares);
  const times = (side: StudyVote['better']) => votes.filter(({ better }) => better === side).length;
  return {
    annotations: count,
    votes: votes.length,
    base: times('base'),
    tuned: times('tuned'),
    neither: times(null),
    winRate,
    interval95: winRate === null ? null : wilsonInterval(winRate, count),
  };
}

const SHARE = { base: 0, neither: 0.5, tuned: 1 };

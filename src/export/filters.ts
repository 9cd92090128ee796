/** Candidates that an export leaves out, each with its reason. */
import { findRepeats } from '../quality/repeats.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { Entry } from './layout.ts';
import type { Comparison } from './pairs.ts';
import type { ExportAnnotation, ExportCandidate } from './rows.ts';

export interface FilterSettings {
  /** Least reward, and least raw value by metric; a candidate that has none is below it. */
  minReward?: number;
  minScores?: Record<string, number>;
  /** Images whose difference hashes are at most this many bits away from one that stays before it. */
  nearDuplicates?: number;
}

export type Reason = 'reward' | 'score' | 'near-duplicate' | 'tie' | 'dominance' | 'size';

/** A line of dropped.jsonl: a candidate, or, with `other_index`, two that make no pair. */
export interface Dropped {
  annotation_id: string;
  image_index: number;
  other_index: number | null;
  reason: Reason;
  /** With the numbers, for people. */
  detail: string;
}

export interface Filtered {
  annotation: ExportAnnotation;
  dropped: Dropped[];
}

/** Takes annotations in their order; images are decoded only for `nearDuplicates`, and only of what else would stay. */
export function openFilter({ minReward, minScores = {}, nearDuplicates }: FilterSettings) {
  const repeats = findRepeats(nearDuplicates ?? 0);

  async function reasonOf(
    imgId: string,
    candidate: ExportCandidate,
    image: Entry['image'],
  ): Promise<Pick<Dropped, 'reason' | 'detail'> | null> {
    const { reward, scores } = candidate;
    if (minReward !== undefined && !(reward !== null && reward >= minReward))
      return { reason: 'reward', detail: below('the reward', reward, minReward) };
    for (const [metric, least] of Object.entries(minScores)) {
      const value = scores[metric];
      if (!(value !== undefined && value >= least))
        return { reason: 'score', detail: below(metric, value ?? null, least) };
    }
    if (nearDuplicates === undefined) return null;
    const print = await fingerprintOf(imgId, candidate, image);
    const repeat = repeats.find(print);
    if (repeat === null) repeats.keep(print);
    return repeat && { reason: 'near-duplicate', detail: repeatText(repeat) };
  }

  return async (annotation: ExportAnnotation, image: Entry['image']): Promise<Filtered> => {
    const { imgId } = annotation;
    const [candidates, dropped]: [ExportCandidate[], Dropped[]] = [[], []];
    for (const candidate of annotation.candidates) {
      const why = await reasonOf(imgId, candidate, image);
      if (why) dropped.push({ annotation_id: imgId, image_index: candidate.slot, other_index: null, ...why });
      else candidates.push(candidate);
    }
    return { annotation: { ...annotation, candidates }, dropped };
  };
}

/** What the pairing policy compared without making a pair of it. */
export const unpaired = (imgId: string, comparisons: readonly Comparison[]): Dropped[] =>
  comparisons.flatMap(({ pair: { winner, loser, margin }, leftOut }) =>
    leftOut === null
      ? []
      : [
          {
            ...{ annotation_id: imgId, image_index: winner.slot, other_index: loser.slot },
            ...{ reason: leftOut, detail: `rewards are ${margin} apart` },
          },
        ],
  );

const below = (what: string, value: number | null, least: number) =>
  `${what} is ${value ?? 'missing'}, must be at least ${least}`;

const repeatText = ({ of, distance, exact }: { of: string; distance: number; exact: boolean }) =>
  exact ? `the same file as ${of}` : `${distance} bits away from ${of}`;

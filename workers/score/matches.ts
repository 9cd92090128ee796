/** Images of the same annotation and slot under both models of an evaluation, and their metrics compared. */
import { DiptychError } from '../../src/errors.ts';
import { type Comparison, compare } from '../../src/evaluation/bootstrap.ts';
import { hashSeed } from '../../src/random.ts';
import { createReward, type RewardSettings } from '../../src/scoring/reward.ts';
import { allScored, type ScoredCandidate } from '../../src/store/candidates.ts';
import type { Store } from '../../src/store/client.ts';

export interface Match {
  imgId: string;
  prompt: string;
  base: ScoredCandidate & { reward: number };
  tuned: ScoredCandidate & { reward: number };
}

/**
 * Base and tuned images of the same annotation and slot. Those that lack an image or a reward on either side are
 * only counted. Throws DIPTYCH_INVALID_INPUT when none are left.
 */
export async function matchCandidates(
  store: Store,
  runId: string,
  settings: RewardSettings,
): Promise<{ matches: Match[]; unmatched: number }> {
  const base = await Array.fromAsync(allScored(store, runId, 'base'));
  const tuned = await Array.fromAsync(allScored(store, runId, 'tuned'));
  const reward = await createReward(
    settings,
    [...base, ...tuned].map(({ scores }) => scores),
  );
  const key = ({ imgId, slot }: ScoredCandidate) => `${slot}/${imgId}`;
  const tunedOf = new Map(tuned.map((candidate) => [key(candidate), candidate]));
  const matches = base.flatMap((candidate): Match[] => {
    const other = tunedOf.get(key(candidate));
    const [before, after] = [reward(candidate.scores), other ? reward(other.scores) : null];
    if (!other || before === null || after === null) return [];
    const { imgId, prompt } = candidate;
    return [{ imgId, prompt, base: { ...candidate, reward: before }, tuned: { ...other, reward: after } }];
  });
  const all = new Set([...base, ...tuned].map(key)).size;
  if (matches.length === 0) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `of ${all} held-out images none has a reward under both models; see the run's failures`,
    );
  }
  return { matches, unmatched: all - matches.length };
}

/** The reward first, then every metric, over the images that have it under both models; one mean per annotation. */
export function compareMetrics(matches: readonly Match[], seed: number): Record<string, Comparison> {
  const has = (name: string) => (match: Match) =>
    name === 'reward' || (name in match.base.scores && name in match.tuned.scores);
  const value = (side: Match['base'], name: string) => (name === 'reward' ? side.reward : side.scores[name]!);
  const names = [...new Set(matches.flatMap(({ base }) => Object.keys(base.scores)))].sort();
  return Object.fromEntries(
    ['reward', ...names].flatMap((name) => {
      const measured = matches.filter(has(name));
      if (measured.length === 0) return [];
      const perAnnotation = (side: 'base' | 'tuned') => {
        const sums = new Map<string, number[]>();
        for (const match of measured) {
          sums.set(match.imgId, [...(sums.get(match.imgId) ?? []), value(match[side], name)]);
        }
        return [...sums.values()].map((values) => values.reduce((sum, x) => sum + x, 0) / values.length);
      };
      const interval = hashSeed('bootstrap', seed, name);
      return [[name, compare(perAnnotation('base'), perAnnotation('tuned'), interval)]];
    }),
  );
}

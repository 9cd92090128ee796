/** Images of the same annotation and slot under both models of an evaluation. */
import { DiptychError } from '../../src/errors.ts';
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

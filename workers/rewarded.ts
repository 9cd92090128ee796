/** Scored candidates with the reward that a run's settings give them, and the pairs that follow. */
import { DiptychError } from '../src/errors.ts';
import { formPairs, type Pair, type PairSettings } from '../src/preference/pairs.ts';
import { createReward, type RewardSettings } from '../src/scoring/reward.ts';
import { allMetrics, allScored, type ScoredCandidate, type Variant } from '../src/store/candidates.ts';
import type { Store } from '../src/store/client.ts';
import { listVotes } from '../src/store/votes.ts';

/** `reward` is null where a metric with a say is missing: such a candidate makes no pair. */
export type RewardedCandidate = ScoredCandidate & { reward: number | null };

export async function* rewardedCandidates(
  store: Store,
  runId: string,
  variant: Variant,
  settings: RewardSettings,
): AsyncGenerator<RewardedCandidate> {
  const reward = await createReward(settings, allMetrics(store, runId, variant));
  for await (const candidate of allScored(store, runId, variant)) {
    yield { ...candidate, reward: reward(candidate.scores) };
  }
}

/**
 * The pairs of a run's curated candidates under some settings: a view, made anew wherever it is needed. `votes`: revision
 * of those that count.
 */
export async function pairsOfRun(
  store: Store,
  runId: string,
  settings: { reward: RewardSettings; pairs: PairSettings },
  votes: number,
): Promise<{ candidates: RewardedCandidate[]; pairs: Pair[] }> {
  const candidates = await Array.fromAsync(rewardedCandidates(store, runId, 'curated', settings.reward));
  if (candidates.length > 0 && candidates.every(({ reward }) => reward === null))
    throw withoutRewards(settings.reward, candidates);
  const rewarded = candidates.map(({ id, imgId, slot, reward, scores }) => ({
    id,
    annotationId: imgId,
    slot,
    reward,
    metrics: scores,
  }));
  const standing = votes === 0 ? [] : await listVotes(store, runId, { revision: votes });
  const dominance = settings.reward.policy === 'dominance';
  return { candidates, pairs: formPairs(rewarded, settings.pairs, dominance, standing) };
}

function withoutRewards({ weights }: RewardSettings, candidates: readonly ScoredCandidate[]): DiptychError {
  const measured = new Set(candidates.flatMap(({ scores }) => Object.keys(scores)));
  const weighed = Object.keys(weights).filter((name) => weights[name] !== 0);
  return new DiptychError(
    'DIPTYCH_INVALID_INPUT',
    `none of ${candidates.length} candidates has every metric that the reward weighs (${weighed.join(', ')}); measured are ${[...measured].join(', ')}`,
  );
}

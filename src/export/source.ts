/** A run's curated candidates in the store, an annotation at a time, as exports want them. */
import { createReward, type RewardSettings } from '../scoring/reward.ts';
import { getAnnotations, type StoredAnnotation } from '../store/annotations.ts';
import { allMetrics, allScored, type ScoredCandidate, type ScoreVersions } from '../store/candidates.ts';
import type { Store } from '../store/client.ts';
import { listVotes, type StoredVote } from '../store/votes.ts';
import type { VersionedAnnotation } from './dataset-version.ts';
import { type ExportAnnotation, type ExportVote, grouped } from './rows.ts';

/** What of a run's scores and votes counts. */
export interface Inputs {
  /** Absent: the newest of each metric. */
  scores?: ScoreVersions;
  /** Revision of the votes: those that stood then. */
  votes: number;
}

/** Annotations read in one statement. */
const BATCH = 200;

/** In byte order of img_id. */
export async function* storedAnnotations(
  store: Store,
  runId: string,
  { scores, votes }: Inputs,
): AsyncGenerator<VersionedAnnotation> {
  let batch: ScoredCandidate[][] = [];
  for await (const group of grouped(allScored(store, runId, 'curated', { scores }))) {
    batch.push(group);
    if (batch.length < BATCH) continue;
    yield* withBodies(store, runId, batch, votes);
    batch = [];
  }
  yield* withBodies(store, runId, batch, votes);
}

async function* withBodies(
  store: Store,
  runId: string,
  groups: readonly ScoredCandidate[][],
  revision: number,
): AsyncGenerator<VersionedAnnotation> {
  const ids = groups.map(([first]) => first!.annotationId);
  const stored = new Map<string, StoredAnnotation>();
  for (const annotation of await getAnnotations(store, ids)) stored.set(annotation.id, annotation);
  const voted = Map.groupBy(
    revision === 0 ? [] : await listVotes(store, runId, { revision, annotationIds: ids }),
    ({ annotationId }) => annotationId,
  );
  for (const candidates of groups) {
    const { id, imgId, body, prompt } = stored.get(candidates[0]!.annotationId)!;
    yield { imgId, body, prompt, candidates, votes: bySlot(voted.get(id) ?? [], candidates) };
  }
}

/** Votes on these candidates alone: an annotation may have others in an evaluation. */
function bySlot(votes: readonly StoredVote[], candidates: readonly ScoredCandidate[]): ExportVote[] {
  const slots = new Map(candidates.map(({ id, slot }) => [id, slot]));
  return votes
    .filter((vote) => vote.candidates.every((id) => slots.has(id)))
    .map(({ voter, candidates, ranking, outcome }) => ({
      voter,
      ...(outcome !== 'ranking' && { outcome }),
      slots: candidates.map((id) => slots.get(id)!),
      ranking: ranking.map((id) => slots.get(id)!),
    }));
}

/** The same with the reward that the settings give each candidate. */
export async function* rewardedAnnotations(
  store: Store,
  runId: string,
  settings: RewardSettings,
  inputs: Inputs,
): AsyncGenerator<ExportAnnotation> {
  const reward = await createReward(settings, allMetrics(store, runId, 'curated', { scores: inputs.scores }));
  for await (const annotation of storedAnnotations(store, runId, inputs)) {
    const candidates = annotation.candidates.map((one) => ({ ...one, reward: reward(one.scores) }));
    yield { ...annotation, candidates };
  }
}

/** A run's curated candidates in the store, an annotation at a time, as exports want them. */
import { createReward, type RewardSettings } from '../scoring/reward.ts';
import { getAnnotations, type StoredAnnotation } from '../store/annotations.ts';
import { allMetrics, allScored, type ScoredCandidate, type ScoreVersions } from '../store/candidates.ts';
import type { Store } from '../store/client.ts';
import type { VersionedAnnotation } from './dataset-version.ts';
import { type ExportAnnotation, grouped } from './rows.ts';

/** Annotations read in one statement. */
const BATCH = 200;

/** In byte order of img_id. `scores`: which count; absent: the newest of each metric. */
export async function* storedAnnotations(
  store: Store,
  runId: string,
  scores?: ScoreVersions,
): AsyncGenerator<VersionedAnnotation> {
  let batch: ScoredCandidate[][] = [];
  for await (const group of grouped(allScored(store, runId, 'curated', { scores }))) {
    batch.push(group);
    if (batch.length < BATCH) continue;
    yield* withBodies(store, batch);
    batch = [];
  }
  yield* withBodies(store, batch);
}

async function* withBodies(
  store: Store,
  groups: readonly ScoredCandidate[][],
): AsyncGenerator<VersionedAnnotation> {
  const ids = groups.map(([first]) => first!.annotationId);
  const stored = new Map<string, StoredAnnotation>();
  for (const annotation of await getAnnotations(store, ids)) stored.set(annotation.id, annotation);
  for (const candidates of groups) {
    const { imgId, body, prompt } = stored.get(candidates[0]!.annotationId)!;
    yield { imgId, body, prompt, candidates };
  }
}

/** The same with the reward that the settings give each candidate. */
export async function* rewardedAnnotations(
  store: Store,
  runId: string,
  settings: RewardSettings,
  scores?: ScoreVersions,
): AsyncGenerator<ExportAnnotation> {
  const reward = await createReward(settings, allMetrics(store, runId, 'curated', { scores }));
  for await (const annotation of storedAnnotations(store, runId, scores)) {
    const candidates = annotation.candidates.map((one) => ({ ...one, reward: reward(one.scores) }));
    yield { ...annotation, candidates };
  }
}

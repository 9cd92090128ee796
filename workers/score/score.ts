/** Scores the candidates of some annotations with every metric. */
import PQueue from 'p-queue';
import type { RunSettings } from '../../pipelines/settings.ts';
import type { ScorePayload } from '../../pipelines/stages.ts';
import { type ItemFailure, recordFailures } from '../../src/jobs/failures.ts';
import type { TaskHandler } from '../../src/jobs/worker.ts';
import { getAnnotations } from '../../src/store/annotations.ts';
import { candidatesOf, insertScores, type NewScore } from '../../src/store/candidates.ts';
import { modelFolder } from '../model-folders.ts';
import type { Tools } from '../process.ts';

const CONCURRENT_READS = 8;

export function scoreTask({ store, blobs, numeric }: Tools): TaskHandler {
  const reads = new PQueue({ concurrency: CONCURRENT_READS });
  return async ({ task, signal }) => {
    const { variant, annotationIds } = task.payload as ScorePayload;
    const run = await store.run.findUniqueOrThrow({ where: { id: task.runId } });
    const settings = run.settings as unknown as RunSettings;
    const annotations = await getAnnotations(store, annotationIds);
    const bodyOf = new Map(annotations.map(({ id, body }) => [id, body]));
    const candidates = await candidatesOf(store, task.runId, variant, annotationIds);
    const pngs = await reads.addAll(
      candidates.map(
        ({ sha256 }) =>
          () =>
            blobs.get(sha256),
      ),
    );
    const results = await numeric.call(
      'score',
      {
        clip: modelFolder(settings.clip, 'clip'),
        pick: modelFolder(settings.pick, 'clip'),
        mode: settings.scoring.mode,
        subjects: candidates.map(({ annotationId }, i) => ({
          annotation: bodyOf.get(annotationId)!,
          png: pngs[i]!,
        })),
      },
      { signal },
    );
    const rows = candidates.flatMap(({ id }, i): NewScore[] =>
      results[i]!.scores.map((score) => ({ candidateId: id, ...score })),
    );
    const failures = candidates.flatMap(({ annotationId, slot }, i): ItemFailure[] =>
      results[i]!.failures.map(({ metric, reason }) => ({
        annotationId,
        variant,
        slot,
        what: metric,
        reason,
      })),
    );
    return async (tx) => {
      await insertScores(tx, rows);
      await recordFailures(tx, task, failures);
    };
  };
}

/** What tasks are about, for those whose workers die of them: an annotation at a time, and its images. */
import type { TaskItems } from '../src/jobs/dead-letters.ts';
import type { ClaimedTask } from '../src/jobs/tasks.ts';
import { candidatesOf } from '../src/store/candidates.ts';
import type { Store } from '../src/store/client.ts';
import type { GeneratePayload, ScorePayload } from './stages.ts';

/** Only images can be missing from a run; a training, an export or a report is all of it or nothing. */
export function taskItems(store: Store): TaskItems {
  return {
    parts(task) {
      if (!isAboutImages(task)) return [];
      const { annotationIds, ...rest } = task.payload as GeneratePayload | ScorePayload;
      const units = evenShares(task.units, annotationIds.length);
      return annotationIds.map((id, i) => ({ units: units[i]!, payload: { ...rest, annotationIds: [id] } }));
    },
    async lost(task) {
      if (!isAboutImages(task)) return [];
      const { variant, annotationIds } = task.payload as GeneratePayload | ScorePayload;
      if (task.kind === 'score') {
        const candidates = await candidatesOf(store, task.runId, variant, annotationIds);
        return candidates.map(({ annotationId, slot }) => ({ annotationId, variant, slot, what: 'scores' }));
      }
      const { samples } = task.payload as GeneratePayload;
      return annotationIds.flatMap((annotationId) =>
        Array.from({ length: samples }, (_, slot) => ({ annotationId, variant, slot, what: 'image' })),
      );
    },
  };
}

const isAboutImages = ({ kind }: ClaimedTask) => kind === 'generate' || kind === 'score';

/** Imported annotations have differing numbers of images: only the sum is exact. */
const evenShares = (total: number, n: number) =>
  Array.from({ length: n }, (_, i) => Math.floor((total * (i + 1)) / n) - Math.floor((total * i) / n));

/** What the numeric thread needs of a training that draws images of its own, to learn from or to be measured on. */
import type { RunSettings } from '../../pipelines/settings.ts';
import { getAnnotations } from '../../src/store/annotations.ts';
import { isOnPolicy } from '../../src/training/settings.ts';
import { judgeArgument } from '../judge-argument.ts';
import type { TrainArgument } from '../numeric/methods.ts';
import type { Tools } from '../process.ts';
import { promptMaker } from '../prompts.ts';
import type { RewardedCandidate } from '../rewarded.ts';
import type { TrainJob } from './trainer.ts';

/** @param measured img_ids of the annotations that are measured on; the policy learns on the others */
export async function drawnArgument(
  tools: Pick<Tools, 'store' | 'places'>,
  { source, settings, model }: Pick<TrainJob, 'source' | 'settings' | 'model'>,
  candidates: readonly RewardedCandidate[],
  measured: ReadonlySet<string>,
): Promise<Pick<TrainArgument, 'scenes' | 'judge' | 'validation'>> {
  const learns = isOnPolicy(settings.train.objective);
  const isDrawn = (imgId: string) => learns || measured.has(imgId);
  // In the order of img_id, as the candidates are.
  const ids = candidates.flatMap(({ imgId, annotationId }) => (isDrawn(imgId) ? [annotationId] : []));
  if (ids.length === 0) return {};
  const annotations = await getAnnotations(tools.store, [...new Set(ids)]);
  const promptOf = promptMaker(model);
  const scenesWhere = (wanted: (imgId: string) => boolean) =>
    annotations
      .filter(({ imgId }) => wanted(imgId))
      .map((annotation) => ({ id: annotation.imgId, prompt: promptOf(annotation) }));
  // By the scorers that measured the candidates and on their scales, so that a reward is one number with theirs.
  const run = await tools.store.run.findUniqueOrThrow({ where: { id: source } });
  const curated = run.settings as unknown as RunSettings;
  const set = candidates.map(({ scores }) => scores);
  return {
    judge: await judgeArgument(tools.places, curated, settings.reward, set, annotations),
    ...(learns && { scenes: scenesWhere((imgId) => !measured.has(imgId)) }),
    ...(measured.size > 0 && {
      validation: {
        scenes: scenesWhere((imgId) => measured.has(imgId)),
        sampling: settings.sampling,
      },
    }),
  };
}

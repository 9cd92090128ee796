/** What the numeric thread needs to measure a training on annotations of its own. */
import type { RunSettings } from '../../pipelines/settings.ts';
import { getAnnotations } from '../../src/store/annotations.ts';
import type { TrainArgument } from '../numeric/methods.ts';
import type { Tools } from '../process.ts';
import { promptMaker } from '../prompts.ts';
import type { RewardedCandidate } from '../rewarded.ts';
import { judgeArgument } from './judge-argument.ts';
import type { TrainJob } from './trainer.ts';

/** @param measured img_ids of the annotations, in no order; without any there is nothing to add */
export async function validationArgument(
  tools: Pick<Tools, 'store' | 'places'>,
  { source, settings, model }: Pick<TrainJob, 'source' | 'model'> & { settings: RunSettings },
  candidates: readonly RewardedCandidate[],
  measured: ReadonlySet<string>,
): Promise<Pick<TrainArgument, 'judge' | 'validation'>> {
  if (measured.size === 0) return {};
  const ids = candidates.flatMap(({ imgId, annotationId }) => (measured.has(imgId) ? [annotationId] : []));
  const annotations = await getAnnotations(tools.store, [...new Set(ids)]);
  const promptOf = promptMaker(model);
  return {
    judge: await judgeArgument(tools, source, settings, candidates, annotations),
    validation: {
      scenes: annotations.map((annotation) => ({ id: annotation.imgId, prompt: promptOf(annotation) })),
      sampling: settings.sampling,
    },
  };
}

/** A training run's judge as plain data for the numeric thread. */
import type { RunSettings } from '../../pipelines/settings.ts';
import { type MetricValues, rewardScales } from '../../src/scoring/reward.ts';
import type { StoredAnnotation } from '../../src/store/annotations.ts';
import { scorerFolders } from '../model-folders.ts';
import type { JudgeArgument } from '../numeric/methods.ts';
import type { Tools } from '../process.ts';

/**
 * Images are measured by the scorers that measured the candidates, and their reward is on the candidates' scales, so
 * that it is one number with theirs. Scenes go by the img_id of their annotations.
 * @param source the run that the candidates are of
 */
export async function judgeArgument(
  { store, places }: Pick<Tools, 'store' | 'places'>,
  source: string,
  { reward }: Pick<RunSettings, 'reward'>,
  candidates: readonly { scores: MetricValues }[],
  annotations: readonly Pick<StoredAnnotation, 'imgId' | 'body'>[],
): Promise<JudgeArgument> {
  const run = await store.run.findUniqueOrThrow({ where: { id: source } });
  const curated = run.settings as unknown as RunSettings;
  return {
    folders: scorerFolders(curated, places.answers),
    mode: curated.scoring.mode,
    reward,
    scales: await rewardScales(
      reward,
      candidates.map(({ scores }) => scores),
    ),
    annotations: Object.fromEntries(annotations.map(({ imgId, body }) => [imgId, body])),
  };
}

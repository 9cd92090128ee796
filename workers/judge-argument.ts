/** A judge as plain data for the numeric thread: how images are measured, and what their reward is. */
import type { RunSettings } from '../pipelines/settings.ts';
import { type MetricValues, type RewardSettings, rewardScales } from '../src/scoring/reward.ts';
import type { StoredAnnotation } from '../src/store/annotations.ts';
import { scorerFolders } from './model-folders.ts';
import type { JudgeArgument } from './numeric/methods.ts';
import type { Tools } from './process.ts';

/**
 * Scenes go by the img_id of their annotations.
 * @param measuredBy settings of the run whose scorers measure
 * @param set metrics of what the reward's scales are of
 */
export async function judgeArgument(
  { answers }: Pick<Tools['places'], 'answers'>,
  measuredBy: Pick<RunSettings, 'clip' | 'pick' | 'scoring'>,
  reward: RewardSettings,
  set: AsyncIterable<MetricValues> | Iterable<MetricValues>,
  annotations: readonly Pick<StoredAnnotation, 'imgId' | 'body'>[],
): Promise<JudgeArgument> {
  return {
    folders: scorerFolders(measuredBy, answers),
    mode: measuredBy.scoring.mode,
    reward,
    scales: await rewardScales(reward, set),
    annotations: Object.fromEntries(annotations.map(({ imgId, body }) => [imgId, body])),
  };
}

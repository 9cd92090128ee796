/** A run's metrics and reward as training's judge. */
import type { Annotation } from '../../src/annotations/annotation.ts';
import type { ScoringMode } from '../../src/scoring/metric.ts';
import type { ScoringPorts } from '../../src/scoring/ports.ts';
import { type RewardScales, type RewardSettings, rewardOn } from '../../src/scoring/reward.ts';
import { scoreImages } from '../../src/scoring/score.ts';
import type { Judge } from '../../src/training/judge.ts';
import type { ScorerFolders } from './scorers.ts';

/** Plain data, as it comes from the worker. */
export interface JudgeArgument {
  folders: ScorerFolders;
  mode: ScoringMode;
  reward: RewardSettings;
  scales: RewardScales;
  /** By scene id. */
  annotations: Record<string, Annotation>;
}

export function runJudge(
  { mode, reward, scales, annotations }: Omit<JudgeArgument, 'folders'>,
  ports: ScoringPorts,
): Judge {
  const rewardOf = rewardOn(reward, scales);
  return async (scenes, images) => {
    const subjects = images.map((image, i) => ({ annotation: annotations[scenes[i]!.id]!, image }));
    const measured = await scoreImages(subjects, ports, mode);
    return measured.map(({ scores }) => {
      const metrics = Object.fromEntries(scores.map(({ metric, value }) => [metric, value]));
      return { metrics, reward: rewardOf(metrics) };
    });
  };
}

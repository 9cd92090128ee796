/** Metrics and reward of images at once, for whoever makes images and wants to know how good they are. */
import type { Annotation } from '../annotations/annotation.ts';
import type { RgbImage } from '../engine/image.ts';
import type { ScoringMode } from './metric.ts';
import type { ScoringPorts } from './ports.ts';
import type { MetricValues, Reward } from './reward.ts';
import { metricValues, scoreImages } from './score.ts';

export interface JudgeOptions {
  ports: ScoringPorts;
  mode: ScoringMode;
  reward: Reward;
  /** By scene id. */
  annotations: Readonly<Record<string, Annotation>>;
}

/** Judges image i as one of scene i; the reward is null where a metric with a say is missing. */
export function createJudge({ ports, mode, reward, annotations }: JudgeOptions) {
  return async (
    scenes: readonly { id: string }[],
    images: readonly RgbImage[],
  ): Promise<{ metrics: MetricValues; reward: number | null }[]> => {
    const subjects = images.map((image, i) => ({ annotation: annotations[scenes[i]!.id]!, image }));
    const measured = await scoreImages(subjects, ports, mode);
    return measured.map(({ scores }) => {
      const metrics = metricValues(scores);
      return { metrics, reward: reward(metrics) };
    });
  };
}

/**
 * DDPO's advantages: how much better an image is than what the policy draws of the same scene
 * (kvablack/ddpo-pytorch: stat_tracking.py and its settings).
 */
import { mean } from '../../mean.ts';

/** Rewards that are remembered of a scene, and how many there must be before its own statistics count. */
const REMEMBERED = 16;
/** Keeps a scene whose rewards are all equal from a division by zero. */
const LEAST_DEVIATION = 1e-6;

export interface RewardedImage {
  scene: string;
  reward: number;
}

/**
 * A function of one round after the other: (reward - mean) / deviation of each image, over the last 16 rewards of its
 * scene, this round's among them; over all images of the round while there are fewer.
 */
export function sceneAdvantages(): (images: readonly RewardedImage[]) => number[] {
  const remembered = new Map<string, number[]>();
  return (images) => {
    const ofRound = spread(images.map(({ reward }) => reward));
    for (const { scene, reward } of images)
      remembered.set(scene, [...(remembered.get(scene) ?? []), reward].slice(-REMEMBERED));
    return images.map(({ scene, reward }) => {
      const own = remembered.get(scene)!;
      const { mean, deviation } = own.length < REMEMBERED ? ofRound : spread(own);
      return (reward - mean) / (deviation + LEAST_DEVIATION);
    });
  };
}

/** Mean and population deviation. */
function spread(values: readonly number[]): { mean: number; deviation: number } {
  const middle = mean(values);
  const squares = values.reduce((sum, x) => sum + (x - middle) ** 2, 0);
  return { mean: middle, deviation: Math.sqrt(squares / values.length) };
}

/** The on-policy objectives of the settings: what each makes of a round's rewards, and its loss. One entry is one objective. */
import type { Tensor, Tf } from '../../engine/engine.ts';
import { D3PO_CLIP, d3poLoss } from '../objectives/d3po.ts';
import { DDPO_CLIP, ddpoLoss } from '../objectives/ddpo.ts';
import type { OnPolicyObjective } from '../settings.ts';
import { sceneAdvantages } from './advantages.ts';

/** Images 2i and 2i + 1 of a round are of one scene. */
export interface DrawnImage {
  scene: string;
  /** Null where a metric with a say is missing; such an image teaches nothing. */
  reward: number | null;
}

/** What a row of the loss is about: one image of the round, or two, the better one first. */
export interface Lesson {
  images: number[];
  /** The advantage of one; of two 1, or 0 where neither is better. */
  signal: number;
}

export interface OnPolicyLoss {
  /** [U]. */
  losses: Tensor;
  /** [U], of objectives that compare two images. */
  inside?: Tensor;
}

export interface OnPolicy {
  /** Images of a lesson. */
  images: 1 | 2;
  /** Whether the two images of a scene begin at the same noise. */
  sharedStart: boolean;
  /** The model that the policy's densities are divided by: itself when it drew the round, or the reference. */
  ratioTo: 'sampler' | 'reference';
  /** Ratios count while they are within 1 +- clip. */
  clip: number;
  /** Beyond it the loss is flat as soon as the images differ at all. */
  largestBeta?: number;
  /** A function of one round after the other, from the first on. */
  lessons(): (drawn: readonly DrawnImage[]) => Lesson[];
  /** @param logRatios [U] for each image of a lesson. @param signals [U] */
  loss(tf: Tf, logRatios: readonly Tensor[], signals: Tensor, beta: number): OnPolicyLoss;
}

export const ON_POLICY: Record<OnPolicyObjective, OnPolicy> = {
  ddpo: {
    images: 1,
    sharedStart: false,
    ratioTo: 'sampler',
    clip: DDPO_CLIP,
    lessons() {
      const advantagesOf = sceneAdvantages();
      return (drawn) => {
        const known = drawn.flatMap(({ scene, reward }, image) =>
          reward === null ? [] : { scene, reward, image },
        );
        const advantages = advantagesOf(known);
        return known.map(({ image }, i) => ({ images: [image], signal: advantages[i]! }));
      };
    },
    loss: (tf, [logRatio], signals) => ({ losses: ddpoLoss(tf, logRatio!, signals) }),
  },
  d3po: {
    images: 2,
    sharedStart: true,
    ratioTo: 'reference',
    clip: D3PO_CLIP,
    // Two ratios at their limits then have an argument of the sigmoid of 20.
    largestBeta: 100,
    lessons: () => preferences,
    loss: (_, [winner, loser], signals, beta) => d3poLoss(winner!, loser!, signals, { beta }),
  },
};

/** The pairs of a round in which one image is better; where there is none, those in which neither is. */
function preferences(drawn: readonly DrawnImage[]): Lesson[] {
  const pairs = Array.from({ length: drawn.length / 2 }, (_, i) => [2 * i, 2 * i + 1] as const);
  const lessons = pairs.flatMap(([first, second]): Lesson[] => {
    const [a, b] = [drawn[first]!.reward, drawn[second]!.reward];
    if (a === null || b === null) return [];
    return [{ images: b > a ? [second, first] : [first, second], signal: a === b ? 0 : 1 }];
  });
  const decided = lessons.filter(({ signal }) => signal === 1);
  return decided.length > 0 ? decided : lessons;
}

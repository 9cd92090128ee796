/** What is random in a round, as functions of (seed, round, step): who is drawn from which noise, which steps are learnt from. */
import { pairBatch } from '../../preference/pairs.ts';
import { hashSeed } from '../../random.ts';
import type { Scene } from '../judge.ts';
import type { OnPolicySettings } from '../settings.ts';
import type { Lesson, OnPolicy } from './objective.ts';
import type { Drawing } from './round.ts';

/** Each scene of a round twice, one behind the other; over the rounds all scenes come once before any comes twice. */
export function planDrawings(
  scenes: readonly Scene[],
  { scenesPerRound }: Pick<OnPolicySettings, 'scenesPerRound'>,
  { sharedStart }: Pick<OnPolicy, 'sharedStart'>,
  seed: number,
  round: number,
): Drawing[] {
  const chosen = pairBatch(scenes.length, scenesPerRound, hashSeed('scenes', seed), round);
  return chosen.flatMap((index, place) =>
    [0, 1].map((image) => ({
      scene: scenes[index]!,
      startSeed: hashSeed('start', seed, round, place, sharedStart ? 0 : image),
      stepSeed: hashSeed('steps', seed, round, place, image),
    })),
  );
}

/** A lesson of a round at one of its sampling steps, of which there are `noisySteps`. */
export interface LessonStep {
  lesson: Lesson;
  at: number;
}

/** Those of step `inRound`, from 0: in each round all come once before any comes twice. */
export function planLessons(
  lessons: readonly Lesson[],
  noisySteps: number,
  count: number,
  seed: number,
  round: number,
  inRound: number,
): LessonStep[] {
  const order = hashSeed('lessons', seed, round);
  return pairBatch(lessons.length * noisySteps, count, order, inRound).map((i) => ({
    lesson: lessons[Math.floor(i / noisySteps)]!,
    at: i % noisySteps,
  }));
}

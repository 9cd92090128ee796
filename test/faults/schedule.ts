/** Which process is killed when: drawn from a seed, so that a storm can be had again. */
import { createRandom, hashSeed } from '../../src/random.ts';

/** As the service's log names its processes; `service` is the one that starts all others, `postgres` the database. */
export const KILLED = ['server', 'generate', 'score', 'train', 'postgres', 'service'] as const;
export type Killed = (typeof KILLED)[number];

export interface Kill {
  what: Killed;
  /** Milliseconds after the storm begins, or after what was struck last is back. */
  after: number;
}

/** Stages of the sample run with which storms begin. */
export const BEGINNINGS = ['train', 'generate', 'evaluate: generate'] as const;

/** Up to so many milliseconds pass between a recovery and the next kill. */
const LONGEST_CALM_MS = 4000;

/** Kills without end. Every kind comes once before any comes again, so that no storm leaves one out. */
export function* drawKills(seed: number): Generator<Kill> {
  const random = createRandom(hashSeed('kills', seed));
  for (;;) {
    for (const what of random.shuffle(KILLED)) yield { what, after: random.int(LONGEST_CALM_MS) };
  }
}

/** The stage with which each storm begins, without end; each once before any comes again, so that all are struck. */
export function* drawBeginnings(seed: number): Generator<(typeof BEGINNINGS)[number]> {
  const random = createRandom(hashSeed('beginnings', seed));
  for (;;) yield* random.shuffle(BEGINNINGS);
}

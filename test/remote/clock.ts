/** Time that only notes what it was asked to wait for. */
import type { Clock } from '../../src/remote/http.ts';

export const NOON = Date.UTC(2026, 0, 1, 12);

export interface TestClock extends Clock {
  waits: number[];
}

/** `random`: where in its range every wait falls. */
export function testClock(random = 1): TestClock {
  const waits: number[] = [];
  return {
    waits,
    now: () => NOON,
    random: () => random,
    async wait(ms, signal) {
      signal?.throwIfAborted();
      waits.push(ms);
    },
  };
}

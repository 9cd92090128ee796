/** How far a training command is: by what it prints, and by the checkpoints it leaves. */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';

export interface CommandProgress {
  line(text: string): void;
  /** What a checkpoint says; it may be ahead of a bar that is seldom printed. */
  checkpoint(step: number): void;
  /** Optimizer steps done, 0 until something is known. */
  step(): number;
  /** By the steps since the first one that was heard of; null before the second. */
  secondsLeft(): number | null;
}

/**
 * @param pattern regular expression with two groups: steps done, and of how many
 * @param now milliseconds
 */
export function commandProgress(pattern: string, steps: number, now = Date.now): CommandProgress {
  const expression = new RegExp(pattern);
  let step = 0;
  let first: { step: number; at: number } | null = null;
  const reach = (reached: number) => {
    step = Math.max(step, Math.min(steps, reached));
    first ??= { step, at: now() };
  };
  return {
    line(text) {
      const [, done, total] = expression.exec(text) ?? [];
      // What is left tells the step: the bar of a resumed run may count from its checkpoint.
      if (total !== undefined) reach(steps - (Number(total) - Number(done)));
    },
    checkpoint: reach,
    step: () => step,
    secondsLeft() {
      if (first === null || step === first.step) return null;
      return Math.round(((now() - first.at) / 1000 / (step - first.step)) * (steps - step));
    },
  };
}

/** The steps N of the folders checkpoint-N, as accelerate's scripts name them. */
async function checkpoints(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch(() => []);
  return names.flatMap((name) => /^checkpoint-(\d+)$/.exec(name)?.[1] ?? []).map(Number);
}

/** 0 where there is none. */
export async function newestCheckpoint(folder: string): Promise<number> {
  return Math.max(0, ...(await checkpoints(folder)));
}

/** Removes checkpoints without the file that a whole one has: a script that goes on from its latest would fail. */
export async function removeTornCheckpoints(folder: string, mark: string): Promise<void> {
  for (const step of await checkpoints(folder)) {
    const checkpoint = path.join(folder, `checkpoint-${step}`);
    if (!existsSync(path.join(checkpoint, mark))) await rm(checkpoint, { recursive: true });
  }
}

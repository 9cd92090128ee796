/** PyTorch as a peer (the scripts beside this file), and the way two sides are timed against each other. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

export interface TorchPeer {
  name: string;
  /** Does the work once: how long it took, and numbers to compare. */
  work(what: string): Promise<Timed>;
  close(): void;
}

export interface Timed {
  ms: number;
  values: ArrayLike<number>;
}

/** A Python that has PyTorch and diffusers; null, said loudly, where there is none. */
export function findTorch(): string | null {
  const python = process.env.DIPTYCH_BENCH_PYTHON ?? 'python3';
  const check = spawnSync(python, ['-c', 'import torch, diffusers'], { encoding: 'utf8' });
  if (check.status === 0) return python;
  const reason = check.stderr?.trim().split('\n').at(-1) || check.error?.message;
  console.error(`SKIPPED the PyTorch side: ${python} can't import torch and diffusers (${reason}).`);
  console.error('pip install torch==2.13.0 diffusers==0.42.1, or name a Python: DIPTYCH_BENCH_PYTHON');
  return null;
}

/** Starts a script of this folder with the arguments and, behind them, the threads; null where PyTorch is missing. */
export async function startTorch(
  script: string,
  args: readonly string[],
  threads: number,
): Promise<TorchPeer | null> {
  const python = findTorch();
  if (python === null) return null;
  const child = spawn(python, [path.join(import.meta.dirname, script), ...args, String(threads)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, OMP_NUM_THREADS: String(threads), HF_HUB_OFFLINE: '1' },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const failed = once(child, 'error');
  const answer = async () => {
    const next = await Promise.race([lines.next(), failed]);
    if (Array.isArray(next) || next.done) throw new Error('the PyTorch side ended; its own message is above');
    return JSON.parse(next.value);
  };
  const { ready } = await answer();
  return {
    name: `PyTorch ${ready} eager, ${threads} threads`,
    async work(what) {
      child.stdin.write(`${JSON.stringify({ do: what })}\n`);
      return (await answer()) as Timed;
    },
    close: () => child.kill(),
  };
}

/** Both sides in turn, after one warm-up each; medians in ms. Their first results come back for comparison. */
export async function inTurn(
  ours: () => Promise<Timed> | Timed,
  theirs: (() => Promise<Timed>) | null,
  repeats: number,
): Promise<{ ours: number; theirs: number | null; first: [Timed, Timed | null] }> {
  const first: [Timed, Timed | null] = [await ours(), (await theirs?.()) ?? null];
  const times: [number[], number[]] = [[], []];
  for (let i = 0; i < repeats; i++) {
    times[0].push((await ours()).ms);
    if (theirs) times[1].push((await theirs()).ms);
  }
  return { ours: median(times[0]), theirs: theirs ? median(times[1]) : null, first };
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;

/** Throws unless both sides computed the same: largest difference within `tolerance` of the largest value. */
export function assertEqualWork(ours: ArrayLike<number>, theirs: ArrayLike<number>, tolerance: number): void {
  let [difference, largest] = [0, 0];
  for (let i = 0; i < theirs.length; i++) {
    difference = Math.max(difference, Math.abs(ours[i]! - theirs[i]!));
    largest = Math.max(largest, Math.abs(theirs[i]!));
  }
  if (ours.length === theirs.length && difference <= tolerance * largest) return;
  throw new Error(
    `the two sides computed different things: ${difference} apart at a largest value of ${largest}, allowed ${tolerance} of it`,
  );
}

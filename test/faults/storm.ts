/** Processes killed at random moments of a run, one after the other, each once the last one's work is done again. */
import { until } from '../wait.ts';
import type { SampleRun } from './sample-run.ts';
import type { Kill, Killed } from './schedule.ts';
import { SLOW, type WatchedService } from './service.ts';

export interface Struck {
  what: Killed;
  /** Of the run at that moment; null where the database could not be asked. */
  stage: string | null;
  /** What was lost by it: a task in the hands of such a worker. */
  held: boolean;
  /** From the kill until the process did its work again: it answers, or its task was taken again. */
  recoverySeconds: number;
}

interface HeldTask {
  id: string;
  attempt: number;
}

/** From when `begins`, a stage, has begun: yields each kill once it is got over, until the run has ended or `most` are done. `tell` gets a line for each. */
export async function* storm(
  service: WatchedService,
  run: SampleRun,
  begins: string,
  kills: Iterator<Kill, unknown>,
  most: number,
  tell: (line: string) => void,
): AsyncGenerator<Struck> {
  let over = false;
  const ended = run.ended.finally(() => {
    over = true;
  });
  ended.catch(() => {});
  await until(
    `the stage "${begins}" has begun`,
    async () =>
      over ||
      (
        await service.ask(
          `SELECT name FROM stage WHERE run_id = '${run.id}' AND name = '${begins}' AND status = 'running'`,
        )
      ).length > 0,
    SLOW,
  );
  for (let count = 0; count < most; count++) {
    const { what, after } = kills.next().value as Kill;
    await Promise.race([new Promise((resolve) => setTimeout(resolve, after)), ended]);
    if (over) return;
    const one = await strike(service, run, what, () => over);
    const { stage, held, recoverySeconds } = one;
    tell(
      `kill -9 ${what} in stage ${stage ?? 'unknown'}${held ? ', with a task' : ''}: back after ${recoverySeconds.toFixed(1)} s`,
    );
    yield one;
  }
}

async function strike(
  service: WatchedService,
  { id }: SampleRun,
  what: Killed,
  isOver: () => boolean,
): Promise<Struck> {
  const { ask } = service;
  const [stage] = await ask<{ name: string }>(
    `SELECT name FROM stage WHERE run_id = '${id}' AND status = 'running'`,
  ).catch(() => []);
  const held = await ask<HeldTask>(
    `SELECT id, attempt FROM task WHERE run_id = '${id}' AND status = 'running' AND worker = '${what}'`,
  ).catch(() => []);
  const pids = await until(`there is a process ${what}`, () => {
    const found = service.pids(what);
    return found.length > 0 && found;
  });
  const started = performance.now();
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await until(`${what} is back`, () => isBack(service, what, pids, held, isOver), SLOW);
  return {
    ...{ what, stage: stage?.name ?? null, held: held.length > 0 },
    recoverySeconds: (performance.now() - started) / 1000,
  };
}

async function isBack(
  { pids, isReady, ask }: WatchedService,
  what: Killed,
  killed: readonly number[],
  held: readonly HeldTask[],
  isOver: () => boolean,
): Promise<boolean> {
  const now = living(() => pids(what)).filter((pid) => !killed.includes(pid));
  if (now.length < killed.length) return false;
  if (what === 'server' || what === 'postgres' || what === 'service') return isReady();
  for (const { id, attempt } of held) {
    if (isOver()) return true;
    const [task] = await ask<{ status: string; attempt: number }>(
      `SELECT status, attempt FROM task WHERE id = '${id}'`,
    ).catch(() => []);
    if (!task || (task.status === 'running' && task.attempt === attempt)) return false;
  }
  return true;
}

/** The file that names the database's process is not there while it starts. */
function living(look: () => number[]): number[] {
  try {
    return look();
  } catch {
    return [];
  }
}

/**
 * Processes known by a variable of their environment, which children inherit. A process group does not hold
 * accelerate's workers, for torch starts each in a session of its own, and its number may long be somebody else's.
 */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;

export interface Mark {
  name: string;
  value: string;
}

/** Ids of this user's other living processes with the mark. Needs /proc: elsewhere it finds none. */
export async function markedProcesses({ name, value }: Mark): Promise<number[]> {
  const ids = (await readdir('/proc').catch(() => [])).filter(
    (entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid,
  );
  const found = await Promise.all(
    ids.map(async (id) => {
      // Processes of others can't be read, and those that have ended have no environment any more.
      const environment = await readFile(`/proc/${id}/environ`, 'utf8').catch(() => '');
      return environment.split('\0').includes(`${name}=${value}`) ? [Number(id)] : [];
    }),
  );
  return found.flat();
}

/** Kills all of them, those too that they start meanwhile, and resolves when none is left. */
export async function killMarked(mark: Mark): Promise<void> {
  for (;;) {
    const ids = await markedProcesses(mark);
    if (ids.length === 0) return;
    for (const id of ids) signalProcess(id, 'SIGKILL');
    await delay(POLL_MS);
  }
}

/** Of a group where the id is negative. Nobody there is no error. */
export function signalProcess(id: number, signal: NodeJS.Signals): void {
  try {
    process.kill(id, signal);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
  }
}

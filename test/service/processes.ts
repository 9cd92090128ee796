/** Processes of a service, as its log names them. */

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Those whose start the log tells of. */
export const startedIn = (log: string): number[] =>
  [...log.matchAll(/^\w+: started as process (\d+)$/gm)].map(([, pid]) => Number(pid));

/** When a process of the service should end: asked to, or left alone by the process that started it. */

/** Exit code of a process that would fail the same way if it were started again. */
export const NO_USE = 78;

/**
 * Calls `end` once, on SIGTERM, SIGINT, or when the parent is gone, be it before this call. With `limitMs` the process
 * ends after that time whatever `end` waits for: what it holds is then taken over, as after a kill.
 */
export function onProcessEnd(end: () => Promise<void>, limitMs?: number): void {
  let ending = false;
  const once = () => {
    if (ending) return;
    ending = true;
    if (limitMs !== undefined) setTimeout(() => process.exit(1), limitMs).unref();
    void end();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, once);
  process.on('disconnect', once);
  // A parent that died while this process was starting: the event came before anyone listened.
  if (process.send && !process.connected) once();
}

/**
 * Resolves when this process is asked to stop. Asking again changes nothing: a terminal's Ctrl-C reaches the process
 * twice, by itself and through the npm that started it.
 */
export const stopAsked = () =>
  new Promise<void>((resolve) => {
    onProcessEnd(async () => resolve());
  });

/** Recovery times as the Markdown table of docs/what-happens-if.md. */
import type { Killed } from './schedule.ts';

const HEAD = ['what happened', 'times', 'goes on after, median (s)', 'longest (s)'];

export function recoveryTable(recoveries: ReadonlyMap<string, readonly number[]>): string {
  const rows = [...recoveries]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([what, seconds]) => {
      const sorted = seconds.toSorted((a, b) => a - b);
      return [
        what,
        String(sorted.length),
        sorted[Math.floor((sorted.length - 1) / 2)]!.toFixed(1),
        sorted.at(-1)!.toFixed(1),
      ];
    });
  return [HEAD, HEAD.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Name of a kill's row. `held`: the worker had a task. */
export function killName(what: Killed, held: boolean): string {
  if (what === 'server') return 'kill -9 of the API';
  if (what === 'postgres') return 'kill -9 of the embedded database';
  if (what === 'service') return 'kill -9 of the service itself, with all its processes';
  return `kill -9 of a ${what} worker ${held ? 'with' : 'without'} a task`;
}

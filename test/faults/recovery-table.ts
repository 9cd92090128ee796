/** Recovery times as a Markdown table. */
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

/** Progress of a run as lines on a terminal: one bar per stage, and when the whole will end. */

export interface StageView {
  name: string;
  status: string;
  total: number;
  done: number;
  failed: number;
  /** Of `done`: candidates that failed alone. */
  dropped: number;
  /** Share of the running work that is finished, 0 to 1. */
  fraction: number;
}

const BAR_WIDTH = 24;

export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  return minutes > 0 ? `${minutes} min ${String(whole % 60).padStart(2, '0')} s` : `${whole} s`;
}

export const formatBytes = (bytes: number) =>
  bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;

export function formatBar(stage: StageView): string {
  const filled = Math.round(stage.fraction * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const bad = stage.failed + stage.dropped;
  const failed = bad > 0 ? `, ${bad} failed` : '';
  return `  ${stage.name.padEnd(18)} ${bar} ${(stage.fraction * 100).toFixed(0).padStart(3)}%  ${stage.status}${failed}`;
}

/**
 * Repaints the bars in place on a terminal; elsewhere (a log file, CI) prints a line per stage change only.
 */
export function createProgressPrinter(out: NodeJS.WriteStream) {
  let painted = 0;
  let lastPlain = '';
  return {
    show(stages: readonly StageView[], secondsLeft: number | null): void {
      const ends =
        secondsLeft === null ? 'estimating the end ...' : `about ${formatDuration(secondsLeft)} left`;
      if (!out.isTTY) {
        const running = stages.find((stage) => stage.status === 'running');
        const plain = running ? `${running.name} ${Math.floor(running.fraction * 10) * 10}%` : '';
        if (plain && plain !== lastPlain) out.write(`${plain}, ${ends}\n`);
        lastPlain = plain;
        return;
      }
      if (painted > 0) out.write(`\u001b[${painted}A`);
      const lines = [...stages.map(formatBar), `  ${ends}`];
      for (const line of lines) out.write(`\u001b[2K${line}\n`);
      painted = lines.length;
    },
  };
}

export interface MetricComparison {
  base: number;
  tuned: number;
  difference: number;
  interval95: [low: number, high: number];
  winRate: number;
}

/** The closing table: each metric, base against tuned, with its paired 95% interval and win rate. */
export function formatComparison(metrics: Record<string, MetricComparison>): string {
  const header = ['metric', 'base', 'tuned', 'difference', '95% interval', 'win rate'];
  const rows = Object.entries(metrics).map(([name, m]) => [
    name,
    m.base.toFixed(4),
    m.tuned.toFixed(4),
    signed(m.difference),
    `[${signed(m.interval95[0])}, ${signed(m.interval95[1])}]`,
    `${(m.winRate * 100).toFixed(1)}%`,
  ]);
  return formatTable(header, rows);
}

/** Aligned columns below a header: the first to the left, the others to the right. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  return [line(header), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

const signed = (value: number) => `${value >= 0 ? '+' : ''}${value.toFixed(4)}`;

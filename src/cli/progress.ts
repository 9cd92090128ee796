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
  startedAt?: string | null;
}

export interface ProgressPrinter {
  show(stages: readonly StageView[], secondsLeft: number | null): void;
  /** A line that stays, above the bars. */
  log(line: string): void;
}

const BAR_WIDTH = 24;

export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  return minutes > 0 ? `${minutes} min ${String(whole % 60).padStart(2, '0')} s` : `${whole} s`;
}

export const formatBytes = (bytes: number) =>
  bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;

export function formatBar(stage: StageView, now = Date.now()): string {
  const filled = Math.round(stage.fraction * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const bad = stage.failed + stage.dropped;
  const failed = bad > 0 ? `, ${bad} failed` : '';
  return `  ${stage.name.padEnd(18)} ${bar} ${(stage.fraction * 100).toFixed(0).padStart(3)}%  ${stage.status}${failed}${rateOf(stage, now)}`;
}

/** Units a second since the stage began, while it runs. */
function rateOf({ status, done, total, startedAt }: StageView, now: number): string {
  if (status !== 'running' || !startedAt || done === 0) return '';
  const perSecond = done / Math.max(0.001, (now - Date.parse(startedAt)) / 1000);
  const rate = perSecond >= 1 ? `${perSecond.toPrecision(3)}/s` : `${(60 * perSecond).toPrecision(3)}/min`;
  return `, ${done} of ${total}, ${rate}`;
}

const clock = (time: number) => new Date(time).toTimeString().slice(0, 5);

/**
 * Repaints the bars in place on a terminal; elsewhere (a log file, CI) prints a line per ten percent of a stage only.
 */
export function createProgressPrinter(
  out: { write(text: string): unknown; isTTY?: boolean },
  now = Date.now,
): ProgressPrinter {
  let painted: string[] = [];
  let lastPlain = '';
  const paint = (lines: readonly string[]) => {
    for (const line of lines) out.write(`\u001b[2K${line}\n`);
  };
  const toTop = () => painted.length > 0 && out.write(`\u001b[${painted.length}A`);
  return {
    show(stages, secondsLeft) {
      const ends =
        secondsLeft === null
          ? 'estimating the end ...'
          : `about ${formatDuration(secondsLeft)} left, until ${clock(now() + 1000 * secondsLeft)}`;
      if (!out.isTTY) {
        const running = stages.find((stage) => stage.status === 'running');
        const plain = running ? `${running.name} ${Math.floor(running.fraction * 10) * 10}%` : '';
        if (plain && plain !== lastPlain) out.write(`${plain}, ${ends}\n`);
        lastPlain = plain;
        return;
      }
      toTop();
      painted = [...stages.map((stage) => formatBar(stage, now())), `  ${ends}`];
      paint(painted);
    },
    log(line) {
      if (!out.isTTY) return void out.write(`${line}\n`);
      toTop();
      paint([line, ...painted]);
    },
  };
}

/** What a printer shows of work of this process that has begun now, when a share of it is done. */
export function progressBar(name: string) {
  const started = Date.now();
  const stage = {
    name,
    status: 'running',
    failed: 0,
    dropped: 0,
    startedAt: new Date(started).toISOString(),
  };
  return (done: number, total: number, fraction: number): [StageView[], number | null] => [
    [{ ...stage, done, total, fraction }],
    fraction > 0 ? (((Date.now() - started) / 1000) * (1 - fraction)) / fraction : null,
  ];
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

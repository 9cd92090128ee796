/** `diptych votes RUN`: what people voted on a run of a running service. */
import type { VoteSummary } from '../../clients/typescript/client.ts';
import { type Asked, EXIT, type ServiceValues, serviceOf } from './command.ts';

type Share = VoteSummary['machine'];

export async function votes({ args: [run], values, out }: Asked<ServiceValues>): Promise<number> {
  const summary = await serviceOf(values).voteSummary(run!);
  out.result(summary, formatVotes(summary));
  return EXIT.done;
}

export function formatVotes(summary: VoteSummary): string {
  const { modes, voters, agreement, machine, judged, decided, study } = summary;
  if (voters.length === 0) return 'nobody has voted on this run yet; the page /vote asks';
  const header = ['voter', 'votes', 'pairs', 'ranks', 'study', 'good', 'bad', 'median s', 'as the reward'];
  const rows = voters.map(({ outcomes, medianSeconds, machine, ...one }) => [
    ...[one.voter, one.votes, one.pair, one.rank, one.study],
    ...[outcomes['both-good'], outcomes['both-bad'], medianSeconds.toFixed(1), percent(machine.share)],
  ]);
  const told = Object.entries(modes).filter(([, { votes }]) => votes > 0);
  return [
    ...table(header, rows),
    '',
    ...told.map(([mode, { votes, comparisons }]) => `${mode}: ${votes} votes, ${comparisons} comparisons`),
    `pairs judged: ${judged}, one preferred in ${decided}`,
    `the reward agrees with people: ${withInterval(machine)}`,
    `kappa of voters: ${agreement.kappa?.toFixed(3) ?? 'unknown, nobody shares enough comparisons'}`,
    ...(study
      ? [
          `tuned preferred: ${withInterval({ ...study, share: study.winRate })} of ${study.annotations} annotations (${study.tuned} tuned, ${study.base} base, ${study.neither} neither)`,
        ]
      : []),
  ].join('\n');
}

const percent = (share: number | null) => (share === null ? '-' : `${(100 * share).toFixed(1)}%`);

const withInterval = ({ share, interval95 }: Pick<Share, 'share' | 'interval95'>) =>
  `${percent(share)}${interval95 ? ` [${interval95.map(percent).join(', ')}]` : ''}`;

function table(header: readonly string[], rows: readonly (string | number)[][]): string[] {
  const cells = [header, ...rows.map((row) => row.map(String))];
  const widths = header.map((_, i) => Math.max(...cells.map((row) => row[i]!.length)));
  return cells.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
  );
}

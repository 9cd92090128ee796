/** `diptych votes RUN`: what people voted on a run of a running service. */
import { parseArgs } from 'node:util';
import type { Share, VoteSummary } from '../api/vote-summary.ts';
import { asError, DiptychError } from '../errors.ts';
import { openClient } from './client.ts';

const USAGE = `npm run diptych -- votes RUN [--json] [--url URL]
  URL      of the service, or DIPTYCH_URL: the address that \`npm start\` prints`;

export async function votes(args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean' }, url: { type: 'string', default: process.env.DIPTYCH_URL } },
    });
    const [run] = positionals;
    if (run === undefined || values.url === undefined) throw new DiptychError('DIPTYCH_INVALID_INPUT', USAGE);
    const summary = await openClient(values.url.replace(/\/$/, '')).voteSummary(run);
    console.log(values.json ? JSON.stringify(summary, null, 2) : formatVotes(summary));
    return 0;
  } catch (thrown) {
    console.error(asError(thrown).message);
    return 1;
  }
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

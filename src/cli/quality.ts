/** `diptych quality RUN`: what a scored run's candidates are like, before an export. */
import type { Quality } from '../../clients/typescript/client.ts';
import { COVERED, type Coverage } from '../quality/coverage.ts';
import type { Histogram } from '../quality/histogram.ts';
import type { QualityReport } from '../quality/report.ts';
import { type Asked, EXIT, type ServiceValues, serviceOf } from './command.ts';
import { makeExport } from './export.ts';
import { formatTable } from './progress.ts';
import { settingsOf } from './settings.ts';

/** What GET /v1/runs/RUN/quality answers; its report as the room that makes it has it. */
export type QualityView = Omit<Quality, 'report'> & { report: QualityReport };

const BARS = '▁▂▃▄▅▆▇█';
/** Names of a kind that are listed. */
const LISTED = 8;

export async function quality({
  args: [run],
  values,
  out,
}: Asked<ServiceValues & { options: string | undefined }>): Promise<number> {
  const body = await settingsOf('--options', values.options);
  const client = serviceOf(values);
  const { version } = await makeExport(client, run!, { ...body, layout: 'quality' }, out);
  const view = await client.quality(run!, version);
  out.result(view, formatQuality(view as QualityView));
  return EXIT.done;
}

/** The report as text for a terminal. */
export function formatQuality({ report, failures }: QualityView): string {
  const { repeats, comparisons, metrics, rewards, margins, coverage } = report;
  const distributions = [...Object.entries(metrics), ['reward', rewards], ['margin', margins]] as const;
  return [
    `${report.candidates} candidates of ${report.annotations} annotations; ${report.candidatesWithoutReward} have no reward`,
    `repeats: ${repeats.exact} are the file of an earlier candidate, ${repeats.near} nearly its picture`,
    `pairs: ${comparisons.pairs} of ${comparisons.compared} compared; ${comparisons.tie} ties, ${comparisons.dominance} not better on every metric, ${comparisons.size} of unequal sizes; ${report.annotationsWithoutPair} annotations have none`,
    '',
    formatTable(
      ['', 'values', 'least', 'mean', 'deviation', 'greatest', ''],
      distributions.map(distributionRow),
    ),
    '',
    formatTable(
      ['order of candidates', 'compared', 'alike', 'contrary', "Kendall's tau"],
      report.agreement.map(agreementRow),
    ),
    '',
    ...COVERED.map((what) => coverageLine(what, coverage[what])),
    ...(failures.length > 0 ? ['', formatFailures(failures)] : []),
  ].join('\n');
}

function distributionRow([name, { count, min, mean, deviation, max, counts }]: readonly [
  string,
  Histogram,
]): string[] {
  const number = (x: number | null) => (x === null ? '-' : x.toPrecision(4));
  const most = Math.max(1, ...counts);
  const bars = counts.map((n) => (n === 0 ? ' ' : BARS[Math.ceil((n / most) * BARS.length) - 1])).join('');
  return [name, String(count), number(min), number(mean), number(deviation), number(max), bars.padEnd(32)];
}

const agreementRow = ({
  metrics,
  compared,
  concordant,
  discordant,
  tau,
}: QualityReport['agreement'][number]) => [
  metrics.join(' / '),
  ...[compared, concordant, discordant].map(String),
  tau === null ? '-' : tau.toFixed(3),
];

function coverageLine(what: string, { distinct, unpaired, most, mostUnpaired }: Coverage): string {
  const names = (of: Coverage['most']) =>
    of
      .slice(0, LISTED)
      .map(({ name, annotations }) => `${name} (${annotations})`)
      .join(', ');
  const without = unpaired > 0 ? `; ${unpaired} in no pair: ${names(mostUnpaired)}` : '';
  return `${distinct} ${what}, most often ${names(most)}${without}`;
}

const formatFailures = (failures: QualityView['failures']) =>
  [
    'failed:',
    ...failures.map(({ count, stage, what, reason }) => `  ${count} in "${stage}", ${what}: ${reason}`),
  ].join('\n');

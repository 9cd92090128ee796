/** `diptych quality RUN`: what a scored run's candidates are like, before an export. */
import { parseArgs } from 'node:util';
import { asError, DiptychError } from '../errors.ts';
import { COVERED, type Coverage } from '../quality/coverage.ts';
import type { Histogram } from '../quality/histogram.ts';
import type { QualityReport } from '../quality/report.ts';
import { openClient, type QualityView } from './client.ts';
import { makeExport, optionsOf } from './export.ts';
import { formatTable } from './progress.ts';

const USAGE = `npm run diptych -- quality RUN [--options JSON] [--json] [--url URL]
  JSON     reward, pairs, scores, filters, as in POST /v1/runs/RUN/exports
  --json   the whole report
  URL      of the service, or DIPTYCH_URL: the address that \`npm start\` prints`;

const BARS = '▁▂▃▄▅▆▇█';
/** Names of a kind that are listed. */
const LISTED = 8;

export async function qualityCommand(args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        options: { type: 'string', default: '{}' },
        json: { type: 'boolean', default: false },
        url: { type: 'string', default: process.env.DIPTYCH_URL },
      },
    });
    const [run] = positionals;
    if (run === undefined || values.url === undefined) throw new DiptychError('DIPTYCH_INVALID_INPUT', USAGE);
    const client = openClient(values.url.replace(/\/$/, ''));
    const { version } = await makeExport(client, run, { ...optionsOf(values.options), layout: 'quality' });
    const view = await client.quality(run, version);
    console.log(values.json ? JSON.stringify(view, null, 1) : formatQuality(view));
    return 0;
  } catch (thrown) {
    console.error(asError(thrown).message);
    return 1;
  }
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

/** What the candidates of a dataset version are like (docs/quality.md): counts, distributions, agreement, coverage. */
import type { Coverage } from '../../../../src/quality/coverage.ts';
import type { Histogram as Distribution } from '../../../../src/quality/histogram.ts';
import type { QualityReport as Report } from '../../../../src/quality/report.ts';
import { answered, api } from '../../api/client.ts';
import { useResource } from '../../api/use-resource.ts';
import { ErrorNote } from '../../components/error-note.tsx';
import { Histogram } from '../../components/histogram.tsx';
import { ScrollX } from '../../components/scroll-x.tsx';
import { count, score as shown } from '../../format.ts';

/** Names of a kind that are listed. */
const NAMED = 12;

export function QualityReport({ run, version }: { run: string; version: string }) {
  const quality = useResource(`quality/${run}/${version}`, () =>
    answered(api.GET('/v1/runs/{id}/quality', { params: { path: { id: run }, query: { version } } })),
  );
  if (!quality.data) return <ErrorNote error={quality.error} />;
  const report = quality.data.report as Report;
  return (
    <section class="panel" aria-labelledby="quality">
      <header>
        <h2 id="quality">Quality</h2>
        <span class="small soft">Look here before training on it</span>
      </header>
      <div class="body quality">
        <Counts report={report} />
        {quality.data.failures.map(({ stage, what, reason, count: n }) => (
          <p key={`${stage} ${what} ${reason}`} class="small">
            <strong class="number">{count(n)}</strong> <span class="chip">{what}</span> failed: {reason}
          </p>
        ))}
        <div class="distributions">
          <Bars label="reward" of={report.rewards} />
          <Bars label="margin" of={report.margins} />
          {Object.entries(report.metrics).map(([name, of]) => (
            <Bars key={name} label={name} of={of} />
          ))}
        </div>
        <Agreement agreement={report.agreement} />
        {(['items', 'attributes', 'relations'] as const).map((what) => (
          <Covered key={what} what={what} of={report.coverage[what]} />
        ))}
      </div>
    </section>
  );
}

function Counts({ report }: { report: Report }) {
  const { comparisons, repeats } = report;
  const counts: Record<string, number> = {
    candidates: report.candidates,
    'without a reward': report.candidatesWithoutReward,
    'same file as an earlier one': repeats.exact,
    'nearly the same picture': repeats.near,
    'pairs compared': comparisons.compared,
    'make a pair': comparisons.pairs,
    'are ties': comparisons.tie,
    'annotations without a pair': report.annotationsWithoutPair,
  };
  return (
    <dl class="counts">
      {Object.entries(counts).map(([name, n]) => (
        <div key={name}>
          <dt class="small soft">{name}</dt>
          <dd class="number">{count(n)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Bars({ label, of: { min, max, counts, mean } }: { label: string; of: Distribution }) {
  if (mean === null) return null;
  // The ends are those of the values; the first and the last bin reach a little beyond them.
  const ends = { from: min!, to: max! };
  return <Histogram label={`${label}, mean ${shown(mean)}`} {...ends} series={[{ name: label, counts }]} />;
}

function Agreement({ agreement }: { agreement: Report['agreement'] }) {
  return (
    <ScrollX label="Agreement of metrics">
      <table class="agreement">
        <thead>
          <tr>
            <th scope="col">Order of candidates</th>
            <th scope="col" class="number">
              Alike
            </th>
            <th scope="col" class="number">
              Contrary
            </th>
            <th scope="col" class="number">
              Kendall’s tau
            </th>
          </tr>
        </thead>
        <tbody>
          {agreement.map(({ metrics, concordant, discordant, tau }) => (
            <tr key={metrics.join()}>
              <td>{metrics.join(' / ')}</td>
              <td class="number">{count(concordant)}</td>
              <td class="number">{count(discordant)}</td>
              <td class="number">{tau === null ? '–' : tau.toFixed(2)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollX>
  );
}

function Covered({ what, of: { distinct, unpaired, most, mostUnpaired } }: { what: string; of: Coverage }) {
  const names = (some: Coverage['most']) =>
    some
      .slice(0, NAMED)
      .map(({ name }) => name)
      .join(', ');
  return (
    <div>
      <h3>{`${count(distinct)} ${what}`}</h3>
      <p class="small soft">{`Most often: ${names(most)}.`}</p>
      {unpaired > 0 && (
        <p class="small">{`${count(unpaired)} in no pair, so that training never sees them: ${names(mostUnpaired)}.`}</p>
      )}
    </div>
  );
}

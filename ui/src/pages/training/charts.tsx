/** Charts of the curves: the telling ones at once, others when they are asked for. */
import type { ComponentChildren } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { ErrorNote } from '../../components/error-note.tsx';
import { Chart } from './chart.tsx';
import { ABOUT, aligned, curveNames, isOfTimesteps, type RunCurves } from './curves.ts';
import { useCurves } from './use-curves.ts';

interface Props {
  names: readonly string[];
  runs: readonly RunCurves[];
  /** As of `aligned`. */
  smoothing: number;
}

export const Charts = ({ names, runs, smoothing }: Props) => (
  <div class="chart-grid">
    {names.map((name) => (
      <CurvePanel key={name} name={name} runs={runs} smoothing={smoothing} />
    ))}
  </div>
);

interface TimestepProps {
  ids: readonly string[];
  polls: boolean;
  smoothing: number;
}

export function TimestepCharts({ ids, polls, smoothing }: TimestepProps) {
  const { data, error } = useCurves(ids, { polls, buckets: true });
  const names = useMemo(() => curveNames(data ?? []).rest.filter(isOfTimesteps), [data]);
  return (
    <>
      <ErrorNote error={error} />
      {data ? (
        names.length === 0 && <p class="small soft">None yet: they come with steps on pairs.</p>
      ) : (
        <p class="small soft" role="status">
          Loading …
        </p>
      )}
      <Charts names={names} runs={data ?? []} smoothing={smoothing} />
    </>
  );
}

/** Draws what it holds only while it is open. */
export function Folded({ summary, children }: { summary: string; children: () => ComponentChildren }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{summary}</summary>
      {open && children()}
    </details>
  );
}

function CurvePanel({
  name,
  runs,
  smoothing,
}: {
  name: string;
  runs: readonly RunCurves[];
  smoothing: number;
}) {
  const data = useMemo(() => aligned(runs, name, smoothing), [runs, name, smoothing]);
  const names = useMemo(() => runs.map((run) => run.name), [runs]);
  return (
    <section class="panel curve">
      <h2>{name}</h2>
      {ABOUT[name] && <p class="small faint">{ABOUT[name]}</p>}
      <Chart label={name} names={names} data={data} syncKey="steps" />
    </section>
  );
}

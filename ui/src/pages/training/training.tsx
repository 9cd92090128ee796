/** Curves of one or more trainings over each other, what the trainer warns of, and pictures over the steps. */

import { useMemo, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { answered, api, isActive, type Run } from '../../api/client.ts';
import { useResource } from '../../api/use-resource.ts';
import { Empty } from '../../components/empty.tsx';
import { ErrorNote } from '../../components/error-note.tsx';
import { Page } from '../../components/page.tsx';
import { hasTraining } from '../../components/run-picker.tsx';
import { Status } from '../../components/status.tsx';
import { shortId, when } from '../../format.ts';
import { SERIES } from './chart.tsx';
import { Charts, Folded, TimestepCharts } from './charts.tsx';
import { curveNames, type RunCurves } from './curves.ts';
import { Samples } from './samples.tsx';
import './training.css';
import { useCurves } from './use-curves.ts';

export default function Training() {
  const { query, route } = useLocation();
  const runs = useResource('trainings', async () => {
    const { items } = await answered(api.GET('/v1/runs', { params: { query: { limit: 200 } } }));
    return items.filter(hasTraining);
  });
  const known = runs.data ?? [];
  const asked = (query.runs ?? query.run)?.split(',').filter(Boolean);
  const ids = asked ?? known.slice(0, 1).map(({ id }) => id);
  const chosen = known.filter(({ id }) => ids.includes(id));

  // Curves of a run that the address names need not wait for the list; until that is there, any may train.
  const polls = runs.data === null || chosen.some(isActive);
  const curves = useCurves(ids, { polls, buckets: false });
  const toggle = (id: string) => {
    const next = ids.includes(id) ? ids.filter((one) => one !== id) : [...ids, id];
    route(`/training?runs=${next.join(',')}`, true);
  };
  const [smoothing, setSmoothing] = useState(0);
  const drawn = curves.data ?? [];
  const { main, rest } = useMemo(() => curveNames(drawn), [curves.data]);
  const begun = main.length > 0;

  return (
    <Page title="Training" about="Choose runs to lay over each other.">
      <ErrorNote error={runs.error ?? curves.error} />
      {runs.data?.length === 0 && (
        <Empty title="Nothing has trained yet">
          <p>Start a run of kind curate-then-train; its curves appear here from the first step on.</p>
          <a class="button primary" href="/">
            Go to the runs
          </a>
        </Empty>
      )}
      {known.length > 0 && (
        <div class="training">
          <div class="aside">
            <RunChoice runs={known} chosen={chosen} onToggle={toggle} />
            <label class="field">
              <span class="label">
                Smoothing <output class="number">{smoothing.toFixed(2)}</output>
              </span>
              <input
                type="range"
                min={0}
                max={0.98}
                step={0.02}
                value={smoothing}
                onInput={(event) => setSmoothing(event.currentTarget.valueAsNumber)}
              />
            </label>
          </div>
          <div class="results">
            {chosen.length === 0 && <Empty title="No run is chosen">Tick one to see its curves.</Empty>}
            {curves.data && chosen.length > 0 && !begun && (
              <Empty title="No step yet">
                <p>Curves begin with the first optimizer step, once candidates are drawn and inverted.</p>
              </Empty>
            )}
            {begun && <Alarms runs={drawn} />}
            {begun && <Samples runs={drawn} />}
            <Charts names={main} runs={drawn} smoothing={smoothing} />
            {rest.length > 0 && (
              <Folded summary={`${rest.length} more curves`}>
                {() => <Charts names={rest} runs={drawn} smoothing={smoothing} />}
              </Folded>
            )}
            {begun && (
              <Folded summary="Curves by timestep range">
                {() => <TimestepCharts ids={ids} polls={polls} smoothing={smoothing} />}
              </Folded>
            )}
          </div>
        </div>
      )}
    </Page>
  );
}

interface ChoiceProps {
  runs: readonly Run[];
  chosen: readonly Run[];
  onToggle(id: string): void;
}

const RunChoice = ({ runs, chosen, onToggle }: ChoiceProps) => (
  <fieldset class="panel run-choice">
    <legend class="visually-hidden">Runs</legend>
    {runs.map((run) => {
      const at = chosen.indexOf(run);
      const { train } = run.settings as { train?: { objective?: string; form?: string } };
      return (
        <label key={run.id}>
          <input type="checkbox" checked={at >= 0} onChange={() => onToggle(run.id)} />
          <span>
            <span class={at >= 0 ? `swatch series-${(at % SERIES) + 1}` : 'swatch'} aria-hidden="true" />
            <code>{shortId(run.id)}</code> <span class="small soft">{train?.objective}</span>
            <span class="small faint block">
              {run.annotationSet} · {when(run.createdAt)}
            </span>
            {isActive(run) && <Status status={run.status} />}
          </span>
        </label>
      );
    })}
  </fieldset>
);

const Alarms = ({ runs }: { runs: readonly RunCurves[] }) => {
  const alarms = runs.flatMap(({ name, telemetry }) => telemetry.alarms.map((alarm) => ({ name, ...alarm })));
  if (alarms.length === 0) {
    return <p class="no-alarm small">No alarm: the curves look as those of a training that goes well.</p>;
  }
  return (
    <section class="panel alarms" aria-labelledby="alarms">
      <header>
        <h2 id="alarms">Alarms</h2>
        <span class="small soft">They stop nothing.</span>
      </header>
      <ul>
        {alarms.map(({ name, step, kind, message }) => (
          <li key={`${name}${step}${kind}`}>
            <span class="chip">{kind}</span>{' '}
            <span class="small soft">
              <code>{name}</code> at step {step}
            </span>
            <p class="small">{withCode(message[0]!.toUpperCase() + message.slice(1))}.</p>
          </li>
        ))}
      </ul>
    </section>
  );
};

/** Names of settings stand between backticks. */
const withCode = (text: string) =>
  text.split('`').map((part, i) => (i % 2 === 1 ? <code key={i}>{part}</code> : part));

/** One run: its stages while they work, what failed, what it left, its log and settings. */
import { useState } from 'preact/hooks';
import { answered, api, isActive, type Run } from '../../api/client.ts';
import { useResource } from '../../api/use-resource.ts';
import { ErrorNote } from '../../components/error-note.tsx';
import { Page } from '../../components/page.tsx';
import { hasCandidates, hasTraining } from '../../components/run-picker.tsx';
import { Status } from '../../components/status.tsx';
import { clock, duration, when } from '../../format.ts';
import { Artifacts } from './artifacts.tsx';
import { EventLog } from './event-log.tsx';
import { Failures } from './failures.tsx';
import './run-detail.css';
import { Settings } from './settings.tsx';
import { Stages } from './stages.tsx';

const POLL_MS = 1000;

export default function RunDetail({ id }: { id: string }) {
  const path = { params: { path: { id } } };
  const run = useResource(
    `run/${id}`,
    (signal) => answered(api.GET('/v1/runs/{id}', { ...path, signal })),
    (data) => (isActive(data) ? POLL_MS : null),
  );
  const [failed, setFailed] = useState<Error | null>(null);
  const done = (asked: Promise<unknown>) => {
    setFailed(null);
    asked.then(run.reload, setFailed);
  };
  const act = (action: 'cancel' | 'pause' | 'resume' | 'retry') =>
    done(answered(api.POST(`/v1/runs/{id}/${action}`, path)));
  const prioritise = (priority: Run['priority']) =>
    done(answered(api.POST('/v1/runs/{id}/priority', { ...path, body: { priority } })));

  if (!run.data) {
    return (
      <Page title="Run" trail={<a href="/">Runs</a>}>
        <ErrorNote error={run.error} />
      </Page>
    );
  }
  const { kind, annotationSet, status, createdAt, error, settings } = run.data;
  const active = isActive(run.data);
  const dropped = run.data.stages.reduce((sum, stage) => sum + stage.dropped, 0);
  return (
    <Page
      title={`${kind} · ${annotationSet}`}
      trail={<a href="/">Runs</a>}
      about={
        <>
          <Status status={status} />
          <span>{times(run.data)}</span>
          <code>{id}</code>
        </>
      }
      actions={
        <>
          <Links run={run.data} />
          {status === 'failed' && (
            <button class="button primary" type="button" onClick={() => act('retry')}>
              Retry what failed
            </button>
          )}
          {active && <Priority of={run.data} onChange={prioritise} />}
          {status === 'paused' && (
            <button class="button primary" type="button" onClick={() => act('resume')}>
              Resume
            </button>
          )}
          {active && status !== 'paused' && (
            <button class="button" type="button" onClick={() => act('pause')}>
              Pause
            </button>
          )}
          {active && (
            <button class="button danger" type="button" onClick={() => act('cancel')}>
              Cancel
            </button>
          )}
        </>
      }
    >
      <ErrorNote error={failed ?? run.error} />
      {error && (
        <div class="error-note" role="alert">
          <span>{error}</span>
          <span>Mend the cause, then retry: what is done is not done again.</span>
        </div>
      )}
      <span
        class="visually-hidden"
        role="status"
      >{`The run is ${status}. Asked for at ${when(createdAt)}.`}</span>
      <div class="run-grid">
        <div class="column">
          <Stages run={run.data} />
          {dropped > 0 && <Failures id={id} dropped={dropped} />}
          <EventLog id={id} active={active} />
        </div>
        <div class="column">
          <Artifacts id={id} status={status} />
          <Settings settings={settings} />
        </div>
      </div>
    </Page>
  );
}

function times({ createdAt, finishedAt, secondsLeft, status }: Run): string {
  const asked = `Asked for at ${when(createdAt)}`;
  if (finishedAt) {
    return `${asked}, took ${duration((Date.parse(finishedAt) - Date.parse(createdAt)) / 1000)}`;
  }
  if (status === 'paused') return `${asked}, paused`;
  if (secondsLeft === null) return asked;
  return `${asked}, ends about ${clock(new Date(Date.now() + secondsLeft * 1000))} (${duration(secondsLeft)} left)`;
}

/** Whose tasks go first where several runs share the workers. */
const Priority = ({ of, onChange }: { of: Run; onChange: (priority: Run['priority']) => void }) => (
  <select
    aria-label="Priority"
    value={of.priority}
    onChange={(event) => onChange(event.currentTarget.value as Run['priority'])}
  >
    {(['high', 'normal', 'low'] as const).map((priority) => (
      <option key={priority} value={priority}>{`${priority} priority`}</option>
    ))}
  </select>
);

/** The pages about what this run makes. */
function Links({ run }: { run: Run }) {
  const report = run.status === 'succeeded' && run.stages.some(({ name }) => name === 'report');
  return (
    <>
      {hasCandidates(run) && (
        <a class="button" href={`/gallery?run=${run.id}`}>
          Gallery
        </a>
      )}
      {hasCandidates(run) && (
        <a class="button" href={`/pairs?run=${run.id}`}>
          Pairs
        </a>
      )}
      {hasTraining(run) && (
        <a class="button" href={`/training?runs=${run.id}`}>
          Training
        </a>
      )}
      {report && (
        <a class="button" href={`/reports/${run.id}`} target="_blank" rel="noopener">
          Report
        </a>
      )}
    </>
  );
}

/** A run in the list: what it is, where it stands, when it ends. */
import { isActive, type Run } from '../../api/client.ts';
import { ProgressBar } from '../../components/progress-bar.tsx';
import { Status } from '../../components/status.tsx';
import { duration, shortId, when } from '../../format.ts';

export function RunRow({ run }: { run: Run }) {
  const { id, kind, annotationSet, status, createdAt, priority } = run;
  return (
    <li>
      <a class="run-row" href={`/runs/${id}`}>
        <span class="what">
          <strong>{kind}</strong>
          <span class="soft">
            {annotationSet}
            {isActive(run) && priority !== 'normal' && ` · ${priority} priority`}
          </span>
        </span>
        <span class="where">
          <Where run={run} />
        </span>
        <Status status={status} />
        <time class="faint small number" dateTime={createdAt} title={`run ${id}`}>
          {when(createdAt)} · <span class="mono">{shortId(id)}</span>
        </time>
      </a>
    </li>
  );
}

function Where({ run }: { run: Run }) {
  const { stages, secondsLeft, error, createdAt, finishedAt } = run;
  const at = stages.find(({ status }) => status === 'running') ?? stages[0];
  if (isActive(run) && at) {
    const ordinal = stages.indexOf(at) + 1;
    return (
      <>
        <span class="small">
          {at.name}{' '}
          <span class="faint">
            {ordinal} of {stages.length}
            {secondsLeft !== null && ` · ${duration(secondsLeft)} left`}
          </span>
        </span>
        <ProgressBar label={`Stage ${at.name}`} fraction={at.fraction} status={run.status} />
      </>
    );
  }
  if (error) return <span class="small run-error">{error}</span>;
  if (!finishedAt) return null;
  const seconds = (Date.parse(finishedAt) - Date.parse(createdAt)) / 1000;
  return <span class="small faint">took {duration(seconds)}</span>;
}

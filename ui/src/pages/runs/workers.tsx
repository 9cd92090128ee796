/** The worker processes on all machines: which are there, when each was seen, what it is at. */
import { answered, api, type WorkerProcess } from '../../api/client.ts';
import { useResource } from '../../api/use-resource.ts';
import { ErrorNote } from '../../components/error-note.tsx';
import { Status } from '../../components/status.tsx';
import { bytes, duration, percent, shortId } from '../../format.ts';

const POLL_MS = 5000;

export function Workers() {
  const workers = useResource(
    'workers',
    (signal) => answered(api.GET('/v1/workers', { signal })),
    () => POLL_MS,
  );
  const items = workers.data?.items;
  return (
    <section class="panel" aria-labelledby="workers">
      <header>
        <h2 id="workers">Workers</h2>
        {items && <span class="small soft">{items.filter(isThere).length} are there</span>}
      </header>
      <ErrorNote error={workers.error} />
      {items?.length === 0 && (
        <p class="body small soft">None was heard of in the last hour: runs wait until one comes.</p>
      )}
      <ul class="workers">
        {items?.map((one) => (
          <WorkerRow key={`${one.host}/${one.pid}`} of={one} />
        ))}
      </ul>
    </section>
  );
}

const isThere = ({ state }: WorkerProcess) => state !== 'quiet';

function WorkerRow({ of }: { of: WorkerProcess }) {
  const { worker, host, pid, state, seenAt, memory, task } = of;
  const since = (Date.now() - Date.parse(seenAt)) / 1000;
  return (
    <li>
      <strong>{worker}</strong>
      <Status status={state} />
      <span class="small">
        {task && (
          <>
            {task.stage} of <a href={`/runs/${task.runId}`}>{shortId(task.runId)}</a> ·{' '}
            {percent(task.progress)}
          </>
        )}
      </span>
      <span class="small faint number">
        {host} · {pid} · seen {duration(since)} ago{memory !== null && ` · ${bytes(memory)}`}
      </span>
    </li>
  );
}

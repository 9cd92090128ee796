/** Tasks of all runs that were tried again and again in vain: why, what their runs go on without, and another try. */
import { useState } from 'preact/hooks';
import { answered, api, type DeadLetter } from '../../api/client.ts';
import { useResource } from '../../api/use-resource.ts';
import { ErrorNote } from '../../components/error-note.tsx';
import { shortId, when } from '../../format.ts';

const POLL_MS = 5000;
/** The newest; `diptych dead-letters` lists all. */
const [SHOWN, NAMED] = [20, 6];

export function DeadLetters() {
  const letters = useResource(
    'dead-letters',
    (signal) => answered(api.GET('/v1/dead-letters', { params: { query: { limit: SHOWN } }, signal })),
    () => POLL_MS,
  );
  const [failed, setFailed] = useState<Error | null>(null);
  function retry(id: string): void {
    setFailed(null);
    answered(api.POST('/v1/dead-letters/{id}/retry', { params: { path: { id } } })).then(
      letters.reload,
      setFailed,
    );
  }
  const items = letters.data?.items ?? [];
  const error = failed ?? letters.error;
  if (items.length === 0 && !error) return null;
  return (
    <section class="panel" aria-labelledby="dead-letters">
      <header>
        <h2 id="dead-letters">Given up</h2>
        <span class="small soft">
          Tasks that failed every time, the newest first. Mend the cause, then try again.
        </span>
      </header>
      <ErrorNote error={error} />
      <ul class="dead-letters">
        {items.map((letter) => (
          <Letter key={letter.id} of={letter} onRetry={() => retry(letter.id)} />
        ))}
      </ul>
      {letters.data?.next && (
        <p class="body small soft">
          There are more: <code>diptych dead-letters</code> lists all.
        </p>
      )}
    </section>
  );
}

function Letter({ of, onRetry }: { of: DeadLetter; onRetry: () => void }) {
  const { runId, stage, attempts, reason, lost, at } = of;
  return (
    <li>
      <div>
        <p>{reason}</p>
        <p class="small soft">
          {stage} of <a href={`/runs/${runId}`}>{shortId(runId)}</a> · {attempts} attempts · {when(at)}
        </p>
        <p class="small faint">
          {lost.length === 0
            ? 'The run can not go on without it.'
            : `The run goes on without ${lost.slice(0, NAMED).join(', ')}${lost.length > NAMED ? ` and ${lost.length - NAMED} more` : ''}.`}
        </p>
      </div>
      <button
        class="button"
        type="button"
        aria-label={`Try again: ${stage} of ${shortId(runId)}`}
        onClick={onRetry}
      >
        Try again
      </button>
    </li>
  );
}

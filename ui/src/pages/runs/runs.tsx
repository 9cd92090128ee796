/** All runs, newest first, live; and the form that asks for one. */
import { useState } from 'preact/hooks';
import { answered, api, isActive } from '../../api/client.ts';
import { useResource } from '../../api/use-resource.ts';
import { Empty } from '../../components/empty.tsx';
import { ErrorNote } from '../../components/error-note.tsx';
import { Page } from '../../components/page.tsx';
import { DeadLetters } from './dead-letters.tsx';
import { NewRun } from './new-run.tsx';
import { RunRow } from './run-row.tsx';
import './runs.css';
import { Workers } from './workers.tsx';

const PAGE = 50;
const [BUSY_MS, IDLE_MS] = [1000, 5000];

export default function Runs() {
  const [limit, setLimit] = useState(PAGE);
  const [asking, setAsking] = useState(false);
  const runs = useResource(
    `runs/${limit}`,
    (signal) => answered(api.GET('/v1/runs', { params: { query: { limit } }, signal })),
    ({ items }) => (items.some(isActive) ? BUSY_MS : IDLE_MS),
  );
  const items = runs.data?.items;
  return (
    <Page
      title="Runs"
      about="Curate candidates, train on their pairs, measure what changed."
      actions={
        <button class="button primary" type="button" onClick={() => setAsking(true)}>
          New run
        </button>
      }
    >
      {asking && <NewRun onClose={() => setAsking(false)} />}
      <ErrorNote error={runs.error} />
      {items?.length === 0 && (
        <Empty title="No runs yet">
          <p>
            A run draws four images for every annotation, scores them, forms pairs and tunes the model. The
            defaults work as they are.
          </p>
          <button class="button primary" type="button" onClick={() => setAsking(true)}>
            Start the first run
          </button>
        </Empty>
      )}
      {items && items.length > 0 && (
        <section class="panel" aria-label="Runs">
          <ul class="runs">
            {items.map((run) => (
              <RunRow key={run.id} run={run} />
            ))}
          </ul>
        </section>
      )}
      <DeadLetters />
      <Workers />
      {runs.data?.next && limit < 500 && (
        <div>
          <button class="button" type="button" onClick={() => setLimit(Math.min(500, limit + 3 * PAGE))}>
            Show older runs
          </button>
        </div>
      )}
    </Page>
  );
}

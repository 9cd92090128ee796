/** What goes in and what comes out: annotation sets, imports, and exports by dataset version. */
import { useState } from 'preact/hooks';
import { answered, api, type Export, isActive, type Run } from '../../api/client.ts';
import { useResource } from '../../api/use-resource.ts';
import { Empty } from '../../components/empty.tsx';
import { ErrorNote } from '../../components/error-note.tsx';
import { Page } from '../../components/page.tsx';
import { ProgressBar } from '../../components/progress-bar.tsx';
import { Sheet } from '../../components/sheet.tsx';
import { Status } from '../../components/status.tsx';
import { bytes, count, shortId, when } from '../../format.ts';
import { AddAnnotations } from '../runs/add-annotations.tsx';
import './datasets.css';
import { LAYOUTS, type Layout } from './layouts.ts';
import { NewExport } from './new-export.tsx';
import { policyText } from './policy.ts';

const PAGE = 50;
const [BUSY_MS, IDLE_MS] = [1000, 5000];

export default function Datasets() {
  const [limit, setLimit] = useState(PAGE);
  const [asking, setAsking] = useState<'export' | 'annotations' | null>(null);
  const exports = useResource(
    `exports/${limit}`,
    (signal) => answered(api.GET('/v1/exports', { params: { query: { limit } }, signal })),
    ({ items }) => (items.some((one) => isActive(one)) ? BUSY_MS : IDLE_MS),
  );
  const sets = useResource('annotation-sets', () =>
    answered(api.GET('/v1/annotation-sets', { params: { query: { limit: 500 } } })),
  );
  const imports = useResource('imports', async () => {
    const { items } = await answered(api.GET('/v1/runs', { params: { query: { limit: 200 } } }));
    return items.filter(({ kind }) => kind === 'import');
  });
  return (
    <Page
      title="Datasets"
      about="What runs are made of, and what comes out for other tools."
      actions={
        <>
          <button class="button" type="button" onClick={() => setAsking('annotations')}>
            Add annotations
          </button>
          <button class="button primary" type="button" onClick={() => setAsking('export')}>
            New export
          </button>
        </>
      }
    >
      {asking === 'export' && <NewExport onClose={() => setAsking(null)} />}
      {asking === 'annotations' && (
        <Sheet title="Add annotations" onClose={() => setAsking(null)}>
          <AddAnnotations open onAdded={sets.reload} />
        </Sheet>
      )}
      <ErrorNote error={exports.error ?? sets.error ?? imports.error} />
      <section class="datasets" aria-labelledby="exports">
        <h2 id="exports">Exports</h2>
        {exports.data?.items.length === 0 && (
          <Empty title="No exports yet">
            <p>
              An export writes a scored run as a dataset: Parquet that loads everywhere, tar shards, JSON or
              loose files. It names the exact data it was made from, and the same version is the same bytes.
            </p>
            <button class="button primary" type="button" onClick={() => setAsking('export')}>
              Make the first export
            </button>
          </Empty>
        )}
        {versionsOf(exports.data?.items ?? []).map((made) => (
          <Version key={`${made[0]!.version} ${made[0]!.run}`} made={made} />
        ))}
        {exports.data?.next && limit < 500 && (
          <div>
            <button class="button" type="button" onClick={() => setLimit(Math.min(500, limit + 3 * PAGE))}>
              Show older exports
            </button>
          </div>
        )}
      </section>
      <div class="in">
        <Sets items={sets.data?.items} onAdd={() => setAsking('annotations')} />
        <Imports runs={imports.data} />
      </div>
    </Page>
  );
}

/** Exports of one version of one run together, in the order of the newest of each. */
const versionsOf = (exports: readonly Export[]): Export[][] => [
  ...Map.groupBy(exports, ({ version, run }) => `${version} ${run}`).values(),
];

function Version({ made }: { made: readonly Export[] }) {
  const { version, run, annotationSet, policy } = made[0]!;
  return (
    <section class="panel" aria-label={`Version ${version.slice(0, 12)}`}>
      <header>
        <div>
          <h3>
            {annotationSet} <code class="soft">{version.slice(0, 12)}</code>
          </h3>
          <p class="small soft">{policyText(policy)}</p>
        </div>
        <a class="small" href={`/runs/${run}`}>
          run {shortId(run)}
        </a>
      </header>
      <ul class="exports">
        {made.map(({ id, layout, status, fraction, bytes: size, createdAt }) => (
          <li key={id}>
            <a href={`/datasets/${id}`}>
              <span class="what">
                <strong>{layout}</strong>
                <span class="small faint">{LAYOUTS[layout as Layout]}</span>
              </span>
              <span class="size number small soft">
                {status === 'running' ? (
                  <ProgressBar label={`Export ${layout}`} fraction={fraction} />
                ) : size === null ? (
                  ''
                ) : (
                  bytes(size)
                )}
              </span>
              <Status status={status} />
              <time class="faint small number" dateTime={createdAt}>
                {when(createdAt)}
              </time>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface AnnotationSet {
  name: string;
  count: number;
  createdAt: string;
}

const Sets = ({ items, onAdd }: { items?: readonly AnnotationSet[]; onAdd(): void }) => (
  <section class="panel" aria-labelledby="sets">
    <header>
      <h2 id="sets">Annotation sets</h2>
    </header>
    {items?.length === 0 && (
      <div class="body small soft">
        <p>None yet. Runs draw the scene graphs of a set.</p>
        <button class="button" type="button" onClick={onAdd}>
          Add annotations
        </button>
      </div>
    )}
    <ul class="rows">
      {items?.map(({ name, count: n, createdAt }) => (
        <li key={name}>
          <span class="name">{name}</span>
          <span class="number small soft">{count(n)} annotations</span>
          <span class="number small faint">{when(createdAt)}</span>
        </li>
      ))}
    </ul>
  </section>
);

const Imports = ({ runs }: { runs: readonly Run[] | null }) => (
  <section class="panel" aria-labelledby="imports">
    <header>
      <h2 id="imports">Imports</h2>
    </header>
    {runs?.length === 0 && (
      <p class="none small soft">
        None yet. <code>npm run diptych -- import</code> takes Pick-a-Pic Parquet, your own images, or an
        earlier export of the layout images.
      </p>
    )}
    <ul class="rows">
      {runs?.map(({ id, annotationSet, settings, status, createdAt }) => (
        <li key={id}>
          <a class="name" href={`/runs/${id}`}>
            {annotationSet}
          </a>
          <span class="small soft">{(settings as { as?: string }).as}</span>
          <Status status={status} />
          <span class="number small faint">{when(createdAt)}</span>
        </li>
      ))}
    </ul>
  </section>
);

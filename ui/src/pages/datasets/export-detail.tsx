/** One export: while it is made, then its files to download, its dataset card, and how to load it. */
import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { answered, api, type Export, type ExportFile, everyPage, isActive } from '../../api/client.ts';
import { useResource } from '../../api/use-resource.ts';
import { ErrorNote } from '../../components/error-note.tsx';
import { Markdown } from '../../components/markdown.tsx';
import { Page } from '../../components/page.tsx';
import { ProgressBar } from '../../components/progress-bar.tsx';
import { ScrollX } from '../../components/scroll-x.tsx';
import { Status } from '../../components/status.tsx';
import { bytes, count, duration, percent, shortId, when } from '../../format.ts';
import './datasets.css';
import { LAYOUTS } from './layouts.ts';
import { policyText } from './policy.ts';
import { QualityReport } from './quality-report.tsx';

const POLL_MS = 1000;
/** Files that are listed; layouts of loose files have many. */
const LISTED = 200;

interface Manifest {
  annotations: { count: number };
  candidates: { count: number };
  votes: { count: number };
  pairs: number;
  /** That make it again, by layout. */
  commands: Record<string, string>;
}

export default function ExportDetail({ id }: { id: string }) {
  const path = { params: { path: { id } } };
  const { route } = useLocation();
  const made = useResource(
    `export/${id}`,
    (signal) => answered(api.GET('/v1/exports/{id}', { ...path, signal })),
    (data) => (isActive(data) ? POLL_MS : null),
  );
  const done = made.data?.status === 'succeeded';
  const manifest = useResource(
    done ? `manifest/${id}` : null,
    async () => (await (await read(id, 'manifest.json')).json()) as Manifest,
  );
  const [failed, setFailed] = useState<Error | null>(null);
  const [sure, setSure] = useState(false);
  const act = (asked: Promise<unknown>, then: () => void) => {
    setFailed(null);
    asked.then(then, setFailed);
  };
  const trail = <a href="/datasets">Datasets</a>;
  if (!made.data) {
    return (
      <Page title="Export" {...{ trail }}>
        <ErrorNote error={made.error} />
      </Page>
    );
  }
  const { layout, annotationSet, version, status, error, run, policy, createdAt, fraction, secondsLeft } =
    made.data;
  const remove = () => act(answered(api.DELETE('/v1/exports/{id}', path)), () => route('/datasets'));
  return (
    <Page
      title={`${layout} · ${annotationSet}`}
      {...{ trail }}
      about={
        <>
          <Status status={status} />
          <span>asked for at {when(createdAt)}</span>
          <span>
            of <a href={`/runs/${run}`}>run {shortId(run)}</a>
          </span>
        </>
      }
      actions={
        <>
          {status === 'failed' && (
            <button
              class="button primary"
              type="button"
              onClick={() => act(answered(api.POST('/v1/runs/{id}/retry', path)), made.reload)}
            >
              Retry
            </button>
          )}
          {sure ? (
            <>
              <button class="button danger" type="button" onClick={remove}>
                Delete it with its files
              </button>
              <button class="button" type="button" onClick={() => setSure(false)}>
                Keep it
              </button>
            </>
          ) : (
            <button class="button danger" type="button" onClick={() => setSure(true)}>
              {status === 'running' ? 'Give up' : 'Delete'}
            </button>
          )}
        </>
      }
    >
      <ErrorNote error={failed ?? made.error ?? manifest.error} />
      {error && (
        <p class="error-note" role="alert">
          {error}
        </p>
      )}
      {(status === 'running' || status === 'queued') && (
        <section class="panel" aria-label="Progress">
          <div class="body making">
            <ProgressBar label="Export" {...{ fraction }} />
            <span class="small soft number">
              {percent(fraction)}
              {secondsLeft !== null && ` · ${duration(secondsLeft)} left`}
            </span>
          </div>
        </section>
      )}
      <section class="panel" aria-labelledby="version">
        <header>
          <h2 id="version">Dataset version</h2>
        </header>
        <div class="body version">
          <code class="hash">{version}</code>
          <p class="small soft">
            {LAYOUTS[layout as keyof typeof LAYOUTS]}. {policyText(policy)}.
          </p>
          {manifest.data && <Counts manifest={manifest.data} />}
        </div>
      </section>
      {done && layout === 'quality' && <QualityReport {...{ run, version }} />}
      {done && <Files made={made.data} command={manifest.data?.commands[layout]} />}
      {done && <Card {...{ id, layout }} />}
    </Page>
  );
}

/** A file of the export as text or JSON. */
async function read(id: string, name: string): Promise<Response> {
  const response = await fetch(`/v1/exports/${id}/files/${name}`);
  if (!response.ok) throw new Error(`${name}: ${response.statusText}`);
  return response;
}

function Counts({ manifest: { annotations, candidates, votes, pairs } }: { manifest: Manifest }) {
  const facts = { annotations, candidates, pairs: { count: pairs }, votes };
  return (
    <dl class="counts">
      {Object.entries(facts).map(([name, { count: n }]) => (
        <div key={name}>
          <dt class="small soft">{name}</dt>
          <dd class="number">{count(n)}</dd>
        </div>
      ))}
    </dl>
  );
}

interface FilesProps {
  made: Export;
  /** Makes and fetches it; absent: not known yet. */
  command: string | undefined;
}

function Files({ made: { id, bytes: size }, command }: FilesProps) {
  const files = useResource(`files/${id}`, async () => {
    const all: ExportFile[] = [];
    const pages = everyPage((cursor) =>
      answered(
        api.GET('/v1/exports/{id}/files', { params: { path: { id }, query: { cursor, limit: 500 } } }),
      ),
    );
    for await (const page of pages) all.push(...page);
    return all;
  });
  const items = files.data ?? [];
  return (
    <section class="panel" aria-labelledby="files">
      <header>
        <h2 id="files">Files</h2>
        <span class="small soft number">
          {files.data && `${count(items.length)} files`}
          {size !== null && ` · ${bytes(size)}`}
        </span>
      </header>
      <ErrorNote error={files.error} />
      <ScrollX label="Files with size and SHA-256">
        <table class="files-of">
          <thead>
            <tr>
              <th scope="col">File</th>
              <th scope="col" class="number">
                Size
              </th>
              <th scope="col">SHA-256</th>
            </tr>
          </thead>
          <tbody>
            {items.slice(0, LISTED).map(({ name, bytes: own, sha256, link }) => (
              <tr key={name}>
                <td>
                  <a href={link} download={name.split('/').at(-1)}>
                    {name}
                  </a>
                </td>
                <td class="number">{bytes(own)}</td>
                <td>
                  <code title={sha256}>{sha256}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollX>
      {items.length > LISTED && (
        <p class="body small soft">{`${count(items.length - LISTED)} more; the command below fetches all.`}</p>
      )}
      <div class="body load">
        <p class="small soft">All of them, each checked against its SHA-256:</p>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, by keys too. */}
        <pre tabIndex={0}>{command && `DIPTYCH_URL=${location.origin} ${command}`}</pre>
      </div>
    </section>
  );
}

function Card({ id, layout }: { id: string; layout: string }) {
  const card = useResource(`card/${id}`, async () => (await read(id, `${layout}/README.md`)).text());
  return (
    <section class="panel" aria-labelledby="card">
      <header>
        <h2 id="card">Dataset card</h2>
        <span class="small soft">README.md, as the Hub shows it</span>
      </header>
      <div class="body">
        <ErrorNote error={card.error} />
        {card.data !== null && <Markdown text={card.data} />}
      </div>
    </section>
  );
}

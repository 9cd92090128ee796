/** Files that a run left, to download. */
import { answered, api } from '../../api/client.ts';
import { useResource } from '../../api/use-resource.ts';
import { ErrorNote } from '../../components/error-note.tsx';
import { bytes } from '../../format.ts';

const POLL_MS = 5000;

export function Artifacts({ id, status }: { id: string; status: string }) {
  const files = useResource(
    `artifacts/${id}/${status}`,
    () => answered(api.GET('/v1/runs/{id}/artifacts', { params: { path: { id }, query: { limit: 500 } } })),
    () => (status === 'running' ? POLL_MS : null),
  );
  const items = files.data?.items;
  return (
    <section class="panel" aria-labelledby="files">
      <header>
        <h2 id="files">Files</h2>
      </header>
      <ErrorNote error={files.error} />
      {items?.length === 0 && <p class="body small soft">None yet. Stages write them as they end.</p>}
      <ul class="files">
        {items?.map(({ name, path, bytes: size }) => (
          <li key={name}>
            {isFile(path) ? (
              <a
                href={`/v1/runs/${id}/artifacts/${name.split('/').map(encodeURIComponent).join('/')}`}
                download={name.split('/').at(-1)}
              >
                {name}
              </a>
            ) : (
              <span title={`A folder on the server: ${path}`}>{name}/</span>
            )}
            <span class="number faint">{bytes(size)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Folders are named without an ending. */
const isFile = (path: string) => /\.\w+$/.test(path);

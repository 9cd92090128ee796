/** Candidates that failed alone, by their reason. */
import { useMemo } from 'preact/hooks';
import { answered, api, everyPage, type Failure } from '../../api/client.ts';
import { useResource } from '../../api/use-resource.ts';
import { ErrorNote } from '../../components/error-note.tsx';
import { count } from '../../format.ts';

const SHOWN = 6;

export function Failures({ id, dropped }: { id: string; dropped: number }) {
  // Asked again when more have failed.
  const failures = useResource(`failures/${id}/${dropped}`, async () => {
    const all: Failure[] = [];
    const pages = everyPage((cursor) =>
      answered(
        api.GET('/v1/runs/{id}/failures', { params: { path: { id }, query: { cursor, limit: 500 } } }),
      ),
    );
    for await (const page of pages) all.push(...page);
    return all;
  });
  const groups = useMemo(() => byReason(failures.data ?? []), [failures.data]);
  return (
    <section class="panel" aria-labelledby="failures">
      <header>
        <h2 id="failures">Failed alone</h2>
        <span class="small soft">{count(dropped)} candidates; the run went on without them</span>
      </header>
      <ErrorNote error={failures.error} />
      <ul class="failures">
        {groups.map(({ what, reason, of }) => (
          <li key={`${what}/${reason}`}>
            <div>
              <strong class="number">{count(of.length)}</strong> <span class="chip">{what}</span> {reason}
            </div>
            <div class="small faint">
              {of
                .slice(0, SHOWN)
                .map(({ imgId, slot }) => `${imgId} #${slot}`)
                .join(', ')}
              {of.length > SHOWN && ` and ${count(of.length - SHOWN)} more`} ·{' '}
              <a href={`/gallery?run=${id}&failed=1`}>see them</a>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface Group {
  what: string;
  reason: string;
  of: Failure[];
}

/** Most frequent first. */
function byReason(failures: readonly Failure[]): Group[] {
  const groups = new Map<string, Group>();
  for (const failure of failures) {
    const { what, reason } = failure;
    const key = `${what}\n${reason}`;
    const group = groups.get(key) ?? { what, reason, of: [] };
    group.of.push(failure);
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => b.of.length - a.of.length);
}

/** Chooses the run that a page is about: `?run=ID` in the address, or else the newest run that it could be. */
import { useLocation } from 'preact-iso';
import { answered, api, type Run } from '../api/client.ts';
import { useResource } from '../api/use-resource.ts';
import { shortId, when } from '../format.ts';

export interface PickedRun {
  /** Null while it is not known yet, or where there is none: then `runs` is empty. */
  run: Run | null;
  /** The newest runs that the page could be about; null while they are not known. */
  runs: Run[] | null;
  error: Error | null;
}

/** `suits`: whether a page could be about a run. */
export function usePickedRun(suits: (run: Run) => boolean): PickedRun {
  const { query } = useLocation();
  const wanted = query.run;
  const { data: runs, error } = useResource('runs-to-pick', async () => {
    const { items } = await answered(api.GET('/v1/runs', { params: { query: { limit: 200 } } }));
    return items.filter(suits);
  });
  const listed = wanted === undefined ? runs?.[0] : runs?.find(({ id }) => id === wanted);
  // One that is older than the list, or came after it.
  const alone = useResource(wanted !== undefined && runs && !listed ? wanted : null, () =>
    answered(api.GET('/v1/runs/{id}', { params: { path: { id: wanted! } } })),
  );
  return { run: listed ?? alone.data, runs, error: error ?? alone.error };
}

export const hasCandidates = ({ kind }: Run) =>
  kind === 'curate' || kind === 'curate-then-train' || kind === 'import';
/** Images of held-out annotations under a base and a tuned model. */
export const hasEvaluation = ({ kind }: Run) => kind === 'evaluate' || kind === 'curate-then-train';
export const hasTraining = ({ kind }: Run) => kind === 'train' || kind === 'curate-then-train';

export function RunPicker({ run, runs }: PickedRun) {
  const { path, route } = useLocation();
  if (!run) return null;
  const choices = runs?.some(({ id }) => id === run.id) ? runs : [run, ...(runs ?? [])];
  return (
    <select
      aria-label="Run"
      value={run.id}
      onChange={(event) => route(`${path}?run=${event.currentTarget.value}`)}
    >
      {choices.map(({ id, kind, annotationSet, createdAt }) => (
        <option key={id} value={id}>
          {`${annotationSet} · ${kind} · ${when(createdAt)} · ${shortId(id)}`}
        </option>
      ))}
    </select>
  );
}

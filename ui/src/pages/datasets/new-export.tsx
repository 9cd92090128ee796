/** Asks for an export of a scored run. As it opens it would make what most trainers read, of the newest run. */
import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { PAIR_POLICIES, type PairSettings } from '../../../../src/preference/pairs.ts';
import { answered, api, type Run } from '../../api/client.ts';
import { useResource } from '../../api/use-resource.ts';
import { hasCandidates } from '../../components/run-picker.tsx';
import { Sheet } from '../../components/sheet.tsx';
import { shortId, when } from '../../format.ts';
import { LAYOUTS, type Layout } from './layouts.ts';

export function NewExport({ onClose }: { onClose: () => void }) {
  const { route } = useLocation();
  const runs = useResource('runs-to-export', async () => {
    const { items } = await answered(api.GET('/v1/runs', { params: { query: { limit: 200 } } }));
    return items.filter((run) => hasCandidates(run) && isScored(run));
  });
  const [chosen, setChosen] = useState<string | null>(null);
  const [layout, setLayout] = useState<Layout>('pickapic');
  const [changed, setChanged] = useState<Partial<PairSettings>>({});
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const run = runs.data?.find(({ id }) => id === chosen) ?? runs.data?.[0];
  const own = (run?.settings as { pairs?: PairSettings } | undefined)?.pairs;
  const pairs = own && { ...own, ...changed };

  function start(): void {
    setBusy(true);
    setError(null);
    const body = { layout, ...(Object.keys(changed).length > 0 && { pairs }) };
    answered(api.POST('/v1/runs/{id}/exports', { params: { path: { id: run!.id } }, body })).then(
      ({ id }) => route(`/datasets/${id}`),
      (thrown) => {
        setError(thrown);
        setBusy(false);
      },
    );
  }
  return (
    <Sheet
      title="New export"
      submit="Export"
      disabled={busy || !run}
      error={error ?? runs.error}
      {...{ onClose }}
      onSubmit={start}
    >
      {runs.data?.length === 0 ? (
        <p class="small soft">
          No run has scored candidates yet. <a href="/">Start one</a>, or import a dataset.
        </p>
      ) : (
        <label class="field">
          <span class="label">Candidates of</span>
          <select value={run?.id} onChange={(event) => setChosen(event.currentTarget.value)}>
            {runs.data?.map(({ id, kind, annotationSet, createdAt }) => (
              <option key={id} value={id}>
                {`${annotationSet} · ${kind} · ${when(createdAt)} · ${shortId(id)}`}
              </option>
            ))}
          </select>
        </label>
      )}
      <label class="field">
        <span class="label">Layout</span>
        <select value={layout} onChange={(event) => setLayout(event.currentTarget.value as Layout)}>
          {Object.keys(LAYOUTS).map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
        <span class="hint">{LAYOUTS[layout]}</span>
      </label>
      {pairs && (
        <div class="pairs">
          <label class="field">
            <span class="label">Pairs</span>
            <select
              value={pairs.policy}
              onChange={(event) =>
                setChanged({ ...changed, policy: event.currentTarget.value as PairSettings['policy'] })
              }
            >
              {PAIR_POLICIES.map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
            <span class="hint">As the run has them; the page Pairs shows what others give</span>
          </label>
          <label class="field">
            <span class="label">Margin</span>
            <input
              type="number"
              min={0}
              step="any"
              required
              value={pairs.margin}
              onInput={(event) => setChanged({ ...changed, margin: event.currentTarget.valueAsNumber })}
            />
            <span class="hint">Rewards that differ by this much or less are a tie</span>
          </label>
        </div>
      )}
      <p class="small soft">
        Votes that stand now count. What was exported before in the same version is not made again.
      </p>
    </Sheet>
  );
}

/** Whether the stage that scores its candidates has ended. */
const isScored = ({ stages }: Run) =>
  stages.some(({ name, status }) => name === 'score' && status === 'succeeded') ||
  stages.every(({ status }) => status === 'succeeded');

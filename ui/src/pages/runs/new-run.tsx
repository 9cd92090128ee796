/** The form that asks for a run. Every field begins with the service's own default. */

import { useEffect, useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { ApiError, answered, api, type Run } from '../../api/client.ts';
import { useResource } from '../../api/use-resource.ts';
import { ErrorNote } from '../../components/error-note.tsx';
import { hasCandidates, hasTraining } from '../../components/run-picker.tsx';
import { count, shortId, when } from '../../format.ts';
import '../../components/sheet.css';
import { AddAnnotations } from './add-annotations.tsx';
import { SettingField } from './setting-field.tsx';
import { merged, nested, type Setting, settingAt, settingsSchema } from './settings-schema.ts';

type Kind = Run['kind'];

/** What each kind does, and which settings one may want to change before the first run of it. */
const KINDS: Record<string, { about: string; fields: readonly string[]; source?: (run: Run) => boolean }> = {
  'curate-then-train': {
    about: 'Draw and score candidates, train on their pairs, compare base and tuned model.',
    fields: [
      'candidates',
      'sampling.steps',
      'train.objective',
      'train.steps',
      'train.learningRate',
      'heldOutFraction',
    ],
  },
  curate: { about: 'Draw and score candidates, no training.', fields: ['candidates', 'sampling.steps'] },
  train: {
    about: 'Train again on the candidates of an earlier run.',
    fields: ['train.objective', 'train.steps', 'train.learningRate', 'train.beta'],
    source: hasCandidates,
  },
  evaluate: {
    about: "Draw held-out annotations under base and an earlier run's tuned model.",
    fields: ['sampling.steps', 'evaluation.samples'],
    source: hasTraining,
  },
};

export function NewRun({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const { route } = useLocation();
  const [kind, setKind] = useState<Kind>('curate-then-train');
  const [set, setSet] = useState<string | null>(null);
  const [values, setValues] = useState<Record<string, unknown>>({});
  const [source, setSource] = useState('');
  const [json, setJson] = useState('');
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);

  const schema = useResource<Setting>('settings-schema', settingsSchema);
  const sets = useResource('annotation-sets', () =>
    answered(api.GET('/v1/annotation-sets', { params: { query: { limit: 500 } } })),
  );
  const runs = useResource('source-runs', () =>
    answered(api.GET('/v1/runs', { params: { query: { limit: 200 } } })),
  );
  useEffect(() => dialog.current?.showModal(), []);

  const known = sets.data?.items ?? [];
  const chosen = set ?? known[0]?.name ?? '';
  const { fields, source: suits } = KINDS[kind]!;
  const sources = suits
    ? (runs.data?.items ?? []).filter(
        (run) => suits(run) && run.status === 'succeeded' && run.annotationSet === chosen,
      )
    : null;
  const sourceRun = sources?.find(({ id }) => id === source) ?? sources?.[0];

  async function start(event: Event): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const changed = Object.fromEntries(Object.entries(values).filter(([path]) => fields.includes(path)));
      const settings = merged(nested(changed), parsed(json));
      if (sources) settings.sourceRun = sourceRun?.id;
      const run = await answered(
        api.POST('/v1/runs', { body: { kind: kind as 'curate', annotationSet: chosen, settings } }),
      );
      route(`/runs/${run.id}`);
    } catch (thrown) {
      setError(thrown as Error);
      setBusy(false);
    }
  }

  return (
    <dialog ref={dialog} class="sheet" aria-labelledby="new-run" onClose={onClose}>
      <form onSubmit={start}>
        <header>
          <h2 id="new-run">New run</h2>
          <button class="button quiet" type="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </header>
        <div class="fields">
          <fieldset>
            <legend>What to do</legend>
            <div class="kinds">
              {Object.entries(KINDS).map(([name, { about }]) => (
                <label key={name}>
                  <input type="radio" name="kind" checked={kind === name} onChange={() => setKind(name)} />
                  <strong>{name}</strong>
                  <span class="small soft">{about}</span>
                </label>
              ))}
            </div>
          </fieldset>
          <fieldset>
            <legend>Annotations</legend>
            {known.length > 0 && (
              <label class="field">
                <span class="label">Annotation set</span>
                <select value={chosen} onChange={(event) => setSet(event.currentTarget.value)}>
                  {known.map(({ name, count: n }) => (
                    <option key={name} value={name}>
                      {`${name} (${count(n)})`}
                    </option>
                  ))}
                </select>
              </label>
            )}
            <AddAnnotations
              open={sets.data !== null && known.length === 0}
              onAdded={(name) => {
                setSet(name);
                sets.reload();
              }}
            />
          </fieldset>
          {sources && (
            <fieldset>
              <legend>{kind === 'train' ? 'Candidates of' : 'Tuned model of'}</legend>
              {sources.length === 0 ? (
                <p class="small soft">
                  No run on this annotation set has {kind === 'train' ? 'curated' : 'trained'} and succeeded
                  yet. Start with <em>curate-then-train</em>.
                </p>
              ) : (
                <select
                  aria-label="Earlier run"
                  value={sourceRun?.id}
                  onChange={(event) => setSource(event.currentTarget.value)}
                >
                  {sources.map(({ id, kind: of, createdAt }) => (
                    <option key={id} value={id}>{`${of} · ${when(createdAt)} · ${shortId(id)}`}</option>
                  ))}
                </select>
              )}
            </fieldset>
          )}
          {schema.data && (
            <fieldset>
              <legend>Settings</legend>
              <div class="pairs">
                {fields.map((path) => (
                  <SettingField
                    key={path}
                    path={path}
                    setting={settingAt(schema.data!, path)}
                    value={values[path]}
                    onChange={(value) => setValues({ ...values, [path]: value })}
                  />
                ))}
              </div>
            </fieldset>
          )}
          <details>
            <summary>More settings, as JSON</summary>
            <label class="field">
              <span class="hint">
                Laid over the fields above, for example {'{"train": {"validation": {"every": 40}}}'}.{' '}
                <a href="/docs" target="_blank" rel="noopener">
                  All of them
                </a>
              </span>
              <textarea
                aria-label="Settings as JSON"
                spellcheck={false}
                value={json}
                onInput={(event) => setJson(event.currentTarget.value)}
              />
            </label>
          </details>
        </div>
        <footer>
          <ErrorNote error={error} />
          <button
            class="button primary"
            type="submit"
            disabled={busy || chosen === '' || sources?.length === 0}
          >
            Start
          </button>
        </footer>
      </form>
    </dialog>
  );
}

function parsed(json: string): Record<string, unknown> {
  if (json.trim() === '') return {};
  try {
    return JSON.parse(json) as Record<string, unknown>;
  } catch (thrown) {
    throw new ApiError('JSON', `The settings are no JSON: ${(thrown as Error).message}`);
  }
}

/** Asks for an evaluation of any two model folders: the sample, the tuned models of runs, or a folder on the server. */
import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { answered, api } from '../../api/client.ts';
import { useResource } from '../../api/use-resource.ts';
import { hasTraining } from '../../components/run-picker.tsx';
import { Sheet } from '../../components/sheet.tsx';
import { count, shortId, when } from '../../format.ts';
import { SettingField } from '../runs/setting-field.tsx';
import { type Setting, settingAt, settingsSchema } from '../runs/settings-schema.ts';

const SAMPLE = 'sample';
/** Runs whose models are offered: the newest. */
const OFFERED = 20;
/** Which prompts of the set: those that a training with the same share never saw. */
const SHARE = 'heldOutFraction';

interface Model {
  folder: string;
  about: string;
}

export function NewComparison({ onClose }: { onClose: () => void }) {
  const { route } = useLocation();
  const sets = useResource('annotation-sets', () =>
    answered(api.GET('/v1/annotation-sets', { params: { query: { limit: 500 } } })),
  );
  const schema = useResource<Setting>('settings-schema', settingsSchema);
  const models = useResource('models', tunedModels);
  const [values, setValues] = useState<{
    set?: string;
    base?: string;
    tuned?: string;
    model?: string;
    share?: unknown;
  }>({});
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const { set = sets.data?.items[0]?.name ?? '', base = SAMPLE, model = SAMPLE } = values;
  const tuned = values.tuned ?? models.data?.[0]?.folder ?? '';

  function start(): void {
    setBusy(true);
    setError(null);
    const settings = {
      compare: { base, tuned },
      model,
      ...(values.share !== undefined && { [SHARE]: values.share as number }),
    };
    answered(api.POST('/v1/runs', { body: { kind: 'evaluate', annotationSet: set, settings } })).then(
      ({ id }) => route(`/runs/${id}`),
      (thrown) => {
        setError(thrown);
        setBusy(false);
      },
    );
  }
  return (
    <Sheet
      title="Compare two models"
      submit="Start"
      disabled={busy || set === '' || tuned === ''}
      error={error ?? sets.error ?? models.error}
      {...{ onClose }}
      onSubmit={start}
    >
      <p class="small soft">
        A run draws the held-out prompts of the set under both models with the same seeds and scores them.
        Then they are here.
      </p>
      <label class="field">
        <span class="label">Annotation set</span>
        <select value={set} onChange={(event) => setValues({ ...values, set: event.currentTarget.value })}>
          {sets.data?.items.map(({ name, count: n }) => (
            <option key={name} value={name}>
              {`${name} (${count(n)})`}
            </option>
          ))}
        </select>
        {sets.data?.items.length === 0 && <span class="hint">None yet: add one on the page Datasets.</span>}
      </label>
      <datalist id="models">
        <option value={SAMPLE}>the small model that ships with Diptych</option>
        {models.data?.map(({ folder, about }) => (
          <option key={folder} value={folder}>
            {about}
          </option>
        ))}
      </datalist>
      {(['base', 'tuned'] as const).map((side) => (
        <label key={side} class="field">
          <span class="label">{side === 'base' ? 'Left' : 'Right'}</span>
          <input
            list="models"
            required
            value={side === 'base' ? base : tuned}
            onInput={(event) => setValues({ ...values, [side]: event.currentTarget.value })}
          />
          <span class="hint">
            {models.data?.find(({ folder }) => folder === (side === 'base' ? base : tuned))?.about ??
              '"sample", or a folder on the server: in diffusers layout, or a LoRA. Clear it to choose a tuned model'}
          </span>
        </label>
      ))}
      <label class="field">
        <span class="label">Base of a LoRA</span>
        <input
          list="models"
          required
          value={model}
          onInput={(event) => setValues({ ...values, model: event.currentTarget.value })}
        />
        <span class="hint">
          A side that is a LoRA is laid over this model. Checkpoints of a run lie in{' '}
          <code>train/checkpoints</code> of its folder: of a LoRA the folder <code>step-N</code> itself, else{' '}
          <code>step-N/model</code>.
        </span>
      </label>
      {schema.data && (
        <SettingField
          path={SHARE}
          setting={settingAt(schema.data, SHARE)}
          value={values.share}
          onChange={(share) => setValues({ ...values, share })}
        />
      )}
    </Sheet>
  );
}

/** Of runs that trained, newest first. */
async function tunedModels(): Promise<Model[]> {
  const { items } = await answered(api.GET('/v1/runs', { params: { query: { limit: 200 } } }));
  const trained = items.filter((run) => hasTraining(run) && run.status === 'succeeded').slice(0, OFFERED);
  const models = trained.map(async ({ id, annotationSet, createdAt }): Promise<Model[]> => {
    const files = await answered(
      api.GET('/v1/runs/{id}/artifacts', { params: { path: { id }, query: { limit: 500 } } }),
    );
    const model = files.items.find(({ name }) => name === 'model');
    const about = `tuned on ${annotationSet} · ${when(createdAt)} · run ${shortId(id)}`;
    return model ? [{ folder: model.path, about }] : [];
  });
  return (await Promise.all(models)).flat();
}

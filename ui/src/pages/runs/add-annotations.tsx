/** Sends a file of LAION-SG annotations into a set, and says what became of its records. */
import { useState } from 'preact/hooks';
import { ApiError } from '../../api/client.ts';
import { ErrorNote } from '../../components/error-note.tsx';
import { count } from '../../format.ts';

interface Ingest {
  received: number;
  rejected: number;
  rejections: { line: number; field: string; reason: string }[];
}

export function AddAnnotations({ open, onAdded }: { open: boolean; onAdded: (set: string) => void }) {
  const [name, setName] = useState('my-annotations');
  const [state, setState] = useState<Ingest | ApiError | 'sending' | null>(null);

  async function send(file: File): Promise<void> {
    setState('sending');
    try {
      // Not through the typed client: the body is a file, whatever is in it.
      const response = await fetch(`/v1/annotation-sets/${encodeURIComponent(name)}/annotations`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: file,
      });
      const answer = await response.json();
      if (!response.ok) throw new ApiError(answer.error.code, answer.error.message);
      setState(answer);
      onAdded(name);
    } catch (thrown) {
      setState(thrown instanceof ApiError ? thrown : new ApiError('SEND', String(thrown)));
    }
  }

  return (
    <details open={open} class="add-annotations">
      <summary class="small">Add annotations from a file</summary>
      <div class="pairs">
        <label class="field">
          <span class="label">Name of the set</span>
          <input value={name} onInput={(event) => setName(event.currentTarget.value)} />
          <span class="hint">Made when it is new; records are replaced by img_id</span>
        </label>
        <label class="field">
          <span class="label">LAION-SG records</span>
          <input
            type="file"
            accept=".json,.ndjson,.jsonl,.gz"
            disabled={name === '' || state === 'sending'}
            onChange={(event) => {
              const [file] = event.currentTarget.files ?? [];
              if (file) void send(file);
            }}
          />
          <span class="hint">
            NDJSON or a JSON array, gzip or not. The sample: models/sample/annotations.json
          </span>
        </label>
      </div>
      {state === 'sending' && <p class="small soft">Sending …</p>}
      {state instanceof ApiError && <ErrorNote error={state} />}
      {state !== null && state !== 'sending' && !(state instanceof ApiError) && (
        <p class="small" role="status">
          {count(state.received - state.rejected)} of {count(state.received)} records are in.
          {state.rejections[0] &&
            ` ${count(state.rejected)} rejected; the first: line ${state.rejections[0].line}, ${state.rejections[0].field} ${state.rejections[0].reason}.`}
        </p>
      )}
    </details>
  );
}

/** Annotations of a run with their images of a variant and raw scores, as they arrive: all, of a run that a page can hold. */
import { useEffect, useState } from 'preact/hooks';
import { answered, api, everyPage, type RunItem } from './client.ts';

export interface RunItems {
  items: RunItem[];
  /** Whether no more arrive. */
  complete: boolean;
  /** Whether the run may have more than these. */
  cut: boolean;
  error: Error | null;
}

/** Few at first, so that there is something to look at; then many, so that all are there soon. */
const [FIRST, REST] = [200, 2000];
/** What a page sorts and draws in a moment, in some 100 MB. */
export const MOST_ITEMS = 20_000;

const NONE: RunItems = { items: [], complete: false, cut: false, error: null };

export type Variant = 'curated' | 'base' | 'tuned';

export function useRunItems(runId: string | null, variant: Variant = 'curated'): RunItems {
  const [state, setState] = useState<RunItems>(NONE);
  useEffect(() => {
    setState(NONE);
    if (runId === null) return;
    const stopped = new AbortController();
    const { signal } = stopped;
    async function load(id: string): Promise<void> {
      const pages = everyPage((cursor) => {
        const query = { variant, cursor, limit: cursor === undefined ? FIRST : REST };
        return answered(api.GET('/v1/runs/{id}/items', { params: { path: { id }, query }, signal }));
      });
      let [count, cut] = [0, false];
      for await (const page of pages) {
        cut = count >= MOST_ITEMS && page.length > 0;
        if (cut) break;
        setState((before) => ({ ...before, items: before.items.concat(page) }));
        count += page.length;
      }
      setState((before) => ({ ...before, complete: true, cut }));
    }
    load(runId).catch((error) => signal.aborted || setState((before) => ({ ...before, error })));
    return () => stopped.abort();
  }, [runId, variant]);
  return state;
}

/** What a page shows of the service: asked for once, or again and again while it changes. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type ApiError, ApiError as Thrown } from './client.ts';

export interface Resource<Data> {
  /** The newest answer; kept while the next one is awaited, and when that fails. */
  data: Data | null;
  error: ApiError | null;
  reload(): void;
}

/**
 * Asks when `key` changes (null: not at all), on `reload`, and every `pollMs` milliseconds that it gives for
 * the newest answer (null: not again). A hidden page does not ask.
 */
export function useResource<Data>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<Data>,
  pollMs: (data: Data) => number | null = () => null,
): Resource<Data> {
  const [state, setState] = useState<{ key: string | null; data: Data | null; error: ApiError | null }>({
    key,
    data: null,
    error: null,
  });
  const [turn, setTurn] = useState(0);
  const latest = useRef({ load, pollMs });
  latest.current = { load, pollMs };

  // `turn` asks again.
  useEffect(() => {
    if (key === null) return;
    const stopped = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    async function ask(): Promise<void> {
      try {
        const data = await latest.current.load(stopped.signal);
        if (stopped.signal.aborted) return;
        setState({ key, data, error: null });
        const wait = latest.current.pollMs(data);
        if (wait !== null) timer = setTimeout(askWhenSeen, wait);
      } catch (thrown) {
        if (stopped.signal.aborted) return;
        const error = thrown instanceof Thrown ? thrown : new Thrown('PAGE', String(thrown));
        setState((before) => ({ key, data: before.key === key ? before.data : null, error }));
        timer = setTimeout(askWhenSeen, RETRY_MS);
      }
    }
    function askWhenSeen(): void {
      if (!document.hidden) return void ask();
      document.addEventListener('visibilitychange', () => void ask(), {
        once: true,
        signal: stopped.signal,
      });
    }
    void ask();
    return () => {
      stopped.abort();
      clearTimeout(timer);
    };
  }, [key, turn]);

  const reload = useCallback(() => setTurn((n) => n + 1), []);
  const own = state.key === key;
  return { data: own ? state.data : null, error: own ? state.error : null, reload };
}

const RETRY_MS = 3000;

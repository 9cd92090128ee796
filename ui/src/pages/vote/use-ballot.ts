/**
 * The voter's comparisons: the one to judge, those behind it with their images on the way, and votes that are sent while
 * the next one is already shown. What is next is the service's to say; here are only answers that it has not yet.
 */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type ApiError, answered, api, blobUrl, type NextComparisons } from '../../api/client.ts';

export type VoteMode = 'pair' | 'rank' | 'study';
export type Outcome = 'ranking' | 'both-good' | 'both-bad';
export type Comparison = NextComparisons['items'][number];

/** Comparisons asked for at once; more are asked for when so few are left. */
const AHEAD = 8;
const FEW = 4;

interface State {
  /** The first is the one to judge; null: not known yet. */
  queue: Comparison[] | null;
  judged: number;
  total: number;
  lastVote: string | null;
  error: ApiError | null;
}

export interface Ballot extends State {
  /** Whether a vote is still on its way. */
  busy: boolean;
  vote(outcome: Outcome, ranking: string[], seconds: number): void;
  undo(): void;
}

export function useBallot(run: string, voter: string, mode: VoteMode): Ballot {
  const [state, setState] = useState<State>(EMPTY);
  const [waiting, setWaiting] = useState(0);
  /** Answers in the order in which they were given; each waits for the one before. */
  const line = useRef<Promise<unknown>>(Promise.resolve());
  const unsent = useRef(new Set<string>());
  const path = { params: { path: { id: run } } };

  const load = useCallback(async (): Promise<void> => {
    const query = { voter, mode, limit: AHEAD };
    const next = await answered(
      api.GET('/v1/runs/{id}/votes/next', { params: { path: { id: run }, query } }),
    );
    const queue = next.items.filter((one) => !unsent.current.has(keyOf(one)));
    for (const { sha256 } of queue.flatMap(({ shown }) => shown)) preload(blobUrl(sha256));
    const judged = next.judged + unsent.current.size;
    setState({ queue, judged, total: next.total, lastVote: next.lastVote, error: null });
  }, [run, voter, mode]);

  const inLine = useCallback((work: () => Promise<void>): void => {
    setWaiting((n) => n + 1);
    line.current = line.current
      .then(work)
      .catch((error: ApiError) => setState((before) => ({ ...before, error })))
      .finally(() => setWaiting((n) => n - 1));
  }, []);

  useEffect(() => {
    setState(EMPTY);
    inLine(load);
  }, [load, inLine]);

  function vote(outcome: Outcome, ranking: string[], seconds: number): void {
    const [comparison, ...rest] = state.queue!;
    const shown = comparison!.shown.map(({ id }) => id);
    const key = keyOf(comparison!);
    unsent.current.add(key);
    setState((before) => ({ ...before, queue: rest, judged: before.judged + 1, error: null }));
    inLine(async () => {
      const body = { voter, shown, outcome, ranking, seconds };
      const sent = answered(api.POST('/v1/runs/{id}/votes', { ...path, body }));
      const { id } = await sent
        .finally(() => unsent.current.delete(key))
        .catch(async (thrown) => {
          await load();
          throw thrown;
        });
      setState((before) => ({ ...before, lastVote: id }));
      if (rest.length < FEW) await load();
    });
  }

  function undo(): void {
    inLine(async () => {
      // Known only now, when every vote before has been answered.
      const { lastVote } = await answered(
        api.GET('/v1/runs/{id}/votes/next', {
          params: { path: { id: run }, query: { voter, mode, limit: 1 } },
        }),
      );
      if (lastVote === null) return;
      await answered(
        api.DELETE('/v1/runs/{id}/votes/{vote}', { params: { path: { id: run, vote: lastVote } } }),
      );
      await load();
    });
  }

  return { ...state, busy: waiting > 0, vote, undo };
}

const EMPTY: State = { queue: null, judged: 0, total: 0, lastVote: null, error: null };

export const keyOf = ({ shown }: Comparison): string => shown.map(({ id }) => id).join();

const loaded = new Map<string, HTMLImageElement>();

/** Kept, so that the browser has it decoded when it is shown. */
function preload(url: string): void {
  if (loaded.has(url)) return;
  const image = new Image();
  image.src = url;
  loaded.set(url, image);
  const [oldest] = loaded.keys();
  if (loaded.size > 64) loaded.delete(oldest!);
}

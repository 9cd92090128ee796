/** One comparison: the images, what to say about them, and the keys for it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { blobUrl } from '../../api/client.ts';
import { useKeys } from '../../components/use-keys.ts';
import { Scene } from './scene.tsx';
import type { Comparison, Outcome } from './use-ballot.ts';

interface Props {
  comparison: Comparison;
  canUndo: boolean;
  onVote(outcome: Outcome, ranking: string[], seconds: number): void;
  onUndo(): void;
}

/** Smaller images are shown with their pixels. */
const SMALL = 128;

/** Of one comparison: the page gives it a key, so that another one begins anew. */
export function Ballot({ comparison, canUndo, onVote, onUndo }: Props) {
  const { shown, prompt, annotation } = comparison;
  const ids = shown.map(({ id }) => id);
  const ranks = ids.length > 2;
  const [picked, setPicked] = useState<string[]>([]);
  const [missing, setMissing] = useState(() => new Set(shown.map((_, place) => place)));
  const ready = missing.size === 0;
  const since = useRef(0);
  useEffect(() => {
    if (ready) since.current = performance.now();
  }, [ready]);

  const answer = (outcome: Outcome, ranking: string[]) =>
    ready && onVote(outcome, ranking, (performance.now() - since.current) / 1000);
  function pick(place: number): void {
    const id = ids[place];
    if (!ready || id === undefined || picked.includes(id)) return;
    const order = [...picked, id];
    const rest = ids.filter((one) => !order.includes(one));
    // The last one follows from the others.
    if (rest.length > 1) setPicked(order);
    else answer('ranking', [...order, ...rest]);
  }
  const back = () => (picked.length > 0 ? setPicked(picked.slice(0, -1)) : canUndo && onUndo());

  useKeys(({ key, repeat }) => {
    if (repeat) return false;
    if (/^[1-9]$/.test(key) && Number(key) <= ids.length) pick(Number(key) - 1);
    else if (key === 'ArrowLeft' && !ranks) pick(0);
    else if (key === 'ArrowRight' && !ranks) pick(1);
    else if (key === 'g') answer('both-good', []);
    else if (key === 'b') answer('both-bad', []);
    else if (key === 'u' || key === 'Backspace') back();
    else return false;
    return true;
  });

  const all = ranks ? 'All' : 'Both';
  return (
    <div class="ballot">
      <Scene prompt={prompt} annotation={annotation} />
      <ol class={ranks ? 'images many' : 'images'} aria-busy={!ready}>
        {shown.map(({ id, sha256, width, height }, place) => {
          const rank = picked.indexOf(id) + 1;
          const name = `image ${place + 1} of ${ids.length}`;
          return (
            <li key={id}>
              <button
                type="button"
                disabled={rank > 0}
                aria-label={
                  rank > 0 ? `${name}, ranked ${rank}` : ranks ? `Rank ${name} next` : `Prefer ${name}`
                }
                onClick={() => pick(place)}
              >
                <img
                  class={width < SMALL ? 'pixels' : ''}
                  src={blobUrl(sha256)}
                  {...{ width, height }}
                  alt=""
                  onLoad={() => setMissing((before) => new Set([...before].filter((one) => one !== place)))}
                />
                {rank > 0 && <span class="rank">{rank}</span>}
                <kbd>{place + 1}</kbd>
              </button>
            </li>
          );
        })}
      </ol>
      <div class="answers">
        <button class="button" type="button" onClick={() => answer('both-good', [])}>
          {`${all} good`} <kbd>g</kbd>
        </button>
        <button class="button" type="button" onClick={() => answer('both-bad', [])}>
          {`${all} bad`} <kbd>b</kbd>
        </button>
        <button class="button quiet" type="button" disabled={!canUndo && picked.length === 0} onClick={back}>
          Undo <kbd>u</kbd>
        </button>
      </div>
    </div>
  );
}

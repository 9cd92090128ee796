/** One prompt under both models: side by side, in turn at the same place, or as what differs; with every metric. */

import { measured } from '../../../../src/evaluation/compare-metrics.ts';
import { answered, api } from '../../api/client.ts';
import { useResource } from '../../api/use-resource.ts';
import { ErrorNote } from '../../components/error-note.tsx';
import { METRICS } from '../../components/metrics.ts';
import { Picture } from '../../components/picture.tsx';
import { score as shown, signed } from '../../format.ts';
import { Evidence, type StoredScore } from '../gallery/evidence.tsx';
import { type CompareRow, changeOf, type Match } from './compared.ts';
import { Difference } from './difference.tsx';
import { modelOf, type Side } from './sides.ts';

export type View = 'side by side' | 'flicker' | 'difference';
export const VIEWS: Readonly<Record<View, { key: string; name: string }>> = {
  'side by side': { key: 's', name: 'Side by side' },
  flicker: { key: 'f', name: 'Flicker' },
  difference: { key: 'd', name: 'Difference' },
};

/** Pixels of an image's side. */
const SIZE = 288;

interface Props {
  row: CompareRow;
  slot: number;
  names: readonly string[];
  name: string;
  left: Side;
  right: Side;
  view: View;
  /** Whether flicker shows the right side. */
  swapped: boolean;
  onSlot(slot: number): void;
  onView(view: View): void;
  onChoose(name: string): void;
}

export function RowDetail({
  row,
  slot,
  names,
  name,
  left,
  right,
  view,
  swapped,
  onSlot,
  onView,
  onChoose,
}: Props) {
  const match = row.matches[Math.min(slot, row.matches.length - 1)]!;
  return (
    <div class="compare-detail">
      <section class="panel" aria-label="Images">
        <header>
          <h2>{row.imgId}</h2>
          <span class="small soft">{row.prompt}</span>
        </header>
        <div class="body">
          <fieldset class="views">
            <legend class="visually-hidden">How to look at them</legend>
            {(Object.keys(VIEWS) as View[]).map((one) => (
              <button
                key={one}
                class={one === view ? 'button primary' : 'button'}
                type="button"
                aria-pressed={one === view}
                onClick={() => onView(one)}
              >
                {VIEWS[one].name} <kbd>{VIEWS[one].key}</kbd>
              </button>
            ))}
            {row.matches.length > 1 &&
              row.matches.map((_, i) => (
                <button
                  key={i}
                  class={i === slot ? 'button primary' : 'button'}
                  type="button"
                  aria-pressed={i === slot}
                  onClick={() => onSlot(i)}
                >
                  {`Image ${i + 1}`} <kbd>{i + 1}</kbd>
                </button>
              ))}
          </fieldset>
          <Images {...{ match, left, right, view, swapped }} onSwap={() => onView('flicker')} />
          <p class="small faint number">{seedsOf(match)}</p>
        </div>
      </section>
      <section class="panel scroll-x" aria-label="Metrics of these images">
        <table class="of-row">
          <thead>
            <tr>
              <th scope="col">Metric</th>
              <th scope="col" class="number">
                Left
              </th>
              <th scope="col" class="number">
                Right
              </th>
              <th scope="col" class="number">
                Change
              </th>
            </tr>
          </thead>
          <tbody>
            {names.map((metric) => {
              const change = changeOf(match, metric);
              return (
                <tr key={metric} class={metric === name ? 'chosen' : ''}>
                  <th scope="row" title={METRICS[metric]}>
                    <button type="button" aria-pressed={metric === name} onClick={() => onChoose(metric)}>
                      {metric}
                    </button>
                  </th>
                  <Value value={measured(match.base, metric)} />
                  <Value value={measured(match.tuned, metric)} />
                  <td
                    class={`number ${change === null ? '' : change > 0 ? 'up' : change < 0 ? 'down' : 'faint'}`}
                  >
                    {change === null ? '–' : signed(change)}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
      {name !== 'reward' && <WhatItRestsOn {...{ match, name }} />}
    </div>
  );
}

const Value = ({ value }: { value: number | null }) => (
  <td class="number">{value === null ? <span class="faint">–</span> : shown(value)}</td>
);

const seedsOf = ({ base, tuned }: Match) =>
  base.seed === tuned.seed ? `seed ${base.seed} on both sides` : `seeds ${base.seed} and ${tuned.seed}`;

interface ImagesProps extends Pick<Props, 'left' | 'right' | 'view' | 'swapped'> {
  match: Match;
  onSwap(): void;
}

function Images({ match, left, right, view, swapped, onSwap }: ImagesProps) {
  const { base, tuned } = match;
  const names = [`Left: ${modelOf(left)}`, `Right: ${modelOf(right)}`] as const;
  if (view === 'difference') return <Difference left={base} right={tuned} />;
  if (view === 'flicker') {
    return (
      <div class="both one">
        <figure>
          {/* Both stay in the document, so that the change is at once. */}
          <button type="button" class="flicker" aria-label="Show the other side" onClick={onSwap}>
            <span class={swapped ? 'under' : ''}>
              <Picture image={base} size={SIZE} alt={swapped ? '' : names[0]} />
            </span>
            <span class={swapped ? '' : 'under'}>
              <Picture image={tuned} size={SIZE} alt={swapped ? names[1] : ''} />
            </span>
          </button>
          <figcaption class="small" aria-live="polite">
            {names[swapped ? 1 : 0]}
          </figcaption>
        </figure>
        <p class="small soft">
          Press <kbd>f</kbd> again, or the image, for the other side.
        </p>
      </div>
    );
  }
  return (
    <div class="both">
      {[base, tuned].map((image, i) => (
        <figure key={i}>
          <Picture image={image} size={SIZE} alt={names[i]!} />
          <figcaption class="small">{names[i]}</figcaption>
        </figure>
      ))}
    </div>
  );
}

/** The evidence of the chosen metric on both sides. */
function WhatItRestsOn({ match: { base, tuned }, name }: { match: Match; name: string }) {
  const full = useResource(`${base.id} ${tuned.id}`, () =>
    Promise.all(
      [base, tuned].map(
        ({ id }) =>
          answered(api.GET('/v1/candidates/{id}', { params: { path: { id } } })) as Promise<{
            scores: StoredScore[];
          }>,
      ),
    ),
  );
  const scores = full.data?.map((one) => one.scores.find(({ metric }) => metric === name));
  return (
    <section class="panel" aria-label="Evidence">
      <header>
        <h2>{name}</h2>
        <span class="small soft">{METRICS[name]}</span>
      </header>
      <div class="body evidence-of-both">
        <ErrorNote error={full.error} />
        {scores?.map((score, i) => (
          <div key={i}>
            <h3>{i === 0 ? 'Left' : 'Right'}</h3>
            {score ? <Evidence score={score} /> : <p class="small soft">Not measured.</p>}
          </div>
        ))}
      </div>
    </section>
  );
}

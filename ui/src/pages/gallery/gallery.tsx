/** The annotations of a run with their candidates: found by what they hold, by scores, by what metrics disagree on. */

import { useMemo, useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { DEFAULT_REWARD, type RewardSettings } from '../../../../src/scoring/reward.ts';
import { useRunItems } from '../../api/run-items.ts';
import { CutNote } from '../../components/cut-note.tsx';
import { Empty } from '../../components/empty.tsx';
import { ErrorNote } from '../../components/error-note.tsx';
import { Page } from '../../components/page.tsx';
import { Picture } from '../../components/picture.tsx';
import { hasCandidates, RunPicker, usePickedRun } from '../../components/run-picker.tsx';
import { useKeys } from '../../components/use-keys.ts';
import { useScales } from '../../components/use-scales.ts';
import { VirtualList } from '../../components/virtual-list.tsx';
import { count, score as shown } from '../../format.ts';
import '../../components/split.css';
import './gallery.css';
import { ItemDetail } from './item-detail.tsx';
import { type Filter, filtered, frequent, metricsOf, NO_FILTER, type Row, rowsOf, sorted } from './rows.ts';

const [ROW_HEIGHT, THUMB] = [92, 52];
/** The list's own columns come first, then every metric. */
const SORTS: Readonly<Record<string, string>> = {
  img_id: 'img_id',
  reward: 'Best reward',
  margin: 'Margin',
  disagreement: 'Disagreement of metrics',
};

export default function Gallery() {
  const { query } = useLocation();
  const picked = usePickedRun(hasCandidates);
  const { run } = picked;
  const { items, complete, cut, error } = useRunItems(run?.id ?? null);
  const reward = useMemo(
    () => (run?.settings as { reward?: RewardSettings } | undefined)?.reward ?? DEFAULT_REWARD,
    [run?.id],
  );
  const scales = useScales(reward, items);
  const metrics = useMemo(() => metricsOf(items), [items]);
  const labels = useMemo(() => frequent(items, 'labels'), [items]);
  const relations = useMemo(() => frequent(items, 'relations'), [items]);

  const [filter, setFilter] = useState<Filter>({ ...NO_FILTER, failed: query.failed === '1' });
  const [sort, setSort] = useState('img_id');
  const [descending, setDescending] = useState(false);
  const all = useMemo(() => (scales ? rowsOf(items, reward, scales) : []), [items, reward, scales]);
  const rows = useMemo(
    () => sorted(filtered(all, filter, sort), sort, descending),
    [all, filter, sort, descending],
  );

  const [imgId, setImgId] = useState<string | null>(query.img ?? null);
  const [[slot, metric], setChoice] = useState<[number, string]>([0, 'dpg']);
  /** On a narrow screen the list or the annotation is seen, not both. */
  const [open, setOpen] = useState(false);
  const selected = Math.max(
    0,
    rows.findIndex(({ item }) => item.imgId === imgId),
  );
  const row = rows[selected];
  const shownMetric = metrics.includes(metric) ? metric : (metrics[0] ?? metric);
  const search = useRef<HTMLInputElement>(null);

  function select(index: number): void {
    const next = rows[index];
    if (!next) return;
    setImgId(next.item.imgId);
    const address = new URL(location.href);
    address.searchParams.set('img', next.item.imgId);
    history.replaceState(history.state, '', address);
  }

  useKeys(({ key }) => {
    if (key === '/') search.current?.focus();
    else if (key === 'j') select(Math.min(rows.length - 1, selected + 1));
    else if (key === 'k') select(Math.max(0, selected - 1));
    else if (/^[1-9]$/.test(key)) setChoice([Number(key) - 1, shownMetric]);
    else if (key === 'm' || key === 'M') {
      const step = key === 'm' ? 1 : metrics.length - 1;
      setChoice([slot, metrics[(metrics.indexOf(shownMetric) + step) % metrics.length] ?? shownMetric]);
    } else return false;
    return true;
  });

  const change = (part: Partial<Filter>) => setFilter({ ...filter, ...part });
  return (
    <Page
      title="Gallery"
      about={<Summary shown={rows.length} all={items.length} complete={complete} />}
      actions={<RunPicker {...picked} />}
    >
      <ErrorNote error={picked.error ?? error} />
      <CutNote cut={cut} />
      {picked.runs && !run && (
        <Empty title="No candidates yet">
          <p>
            The gallery shows what a run draws and how it is scored. Start one that curates, and come back
            while it works.
          </p>
          <a class="button primary" href="/">
            Go to the runs
          </a>
        </Empty>
      )}
      {run && complete && items.length === 0 && (
        <Empty title="This run has no candidates yet">
          <p>Images appear here as the generate stage makes them.</p>
          <a class="button" href={`/runs/${run.id}`}>
            See how far it is
          </a>
        </Empty>
      )}
      {items.length > 0 && (
        <div class={`split gallery ${open ? 'open' : ''}`}>
          <div class="panel list">
            <div class="filters">
              <input
                ref={search}
                type="search"
                placeholder="Find in prompts"
                aria-label="Find in prompts"
                value={filter.text}
                onInput={(event) => change({ text: event.currentTarget.value })}
              />
              <Choice
                label="Label"
                value={filter.label}
                of={labels}
                onChange={(label) => change({ label })}
              />
              <Choice
                label="Relation"
                value={filter.relation}
                of={relations}
                onChange={(relation) => change({ relation })}
              />
              <label class="check small">
                <input
                  type="checkbox"
                  checked={filter.failed}
                  onChange={(event) => change({ failed: event.currentTarget.checked })}
                />
                Failed
              </label>
              <div class="sort">
                <select
                  aria-label="Sort by"
                  value={sort}
                  onChange={(event) => {
                    setSort(event.currentTarget.value);
                    change({ least: null, most: null });
                    setDescending(event.currentTarget.value !== 'img_id');
                  }}
                >
                  {Object.entries(SORTS).map(([value, name]) => (
                    <option key={value} value={value}>
                      {name}
                    </option>
                  ))}
                  {metrics.map((name) => (
                    <option key={name} value={name}>{`Mean ${name}`}</option>
                  ))}
                </select>
                <button
                  class="button"
                  type="button"
                  aria-label={descending ? 'Highest first' : 'Lowest first'}
                  title={descending ? 'Highest first' : 'Lowest first'}
                  onClick={() => setDescending(!descending)}
                >
                  {descending ? '↓' : '↑'}
                </button>
                {sort !== 'img_id' &&
                  (['least', 'most'] as const).map((bound) => (
                    <input
                      key={bound}
                      type="number"
                      step="any"
                      placeholder={bound === 'least' ? 'from' : 'to'}
                      aria-label={`${bound === 'least' ? 'Least' : 'Greatest'} ${(SORTS[sort] ?? `mean ${sort}`).toLowerCase()}`}
                      value={filter[bound] ?? ''}
                      onInput={({ currentTarget: { valueAsNumber: value } }) =>
                        change({ [bound]: Number.isNaN(value) ? null : value })
                      }
                    />
                  ))}
              </div>
            </div>
            {rows.length === 0 ? (
              <div class="body small soft">
                Nothing matches.{' '}
                <button class="button quiet" type="button" onClick={() => setFilter(NO_FILTER)}>
                  Clear the filters
                </button>
              </div>
            ) : (
              <VirtualList
                label="Annotations"
                count={rows.length}
                rowHeight={ROW_HEIGHT}
                selected={selected}
                onSelect={(index) => {
                  select(index);
                  setOpen(true);
                }}
                keyOf={(index) => rows[index]!.item.imgId}
                row={(index) => <ListRow row={rows[index]!} sort={sort} />}
              />
            )}
            <p class="keys small faint">
              <kbd>j</kbd> <kbd>k</kbd> annotation <kbd>1</kbd>–<kbd>4</kbd> candidate <kbd>m</kbd> metric{' '}
              <kbd>/</kbd> find
            </p>
          </div>
          <div class="detail">
            <button class="button back" type="button" onClick={() => setOpen(false)}>
              ← All annotations
            </button>
            {row && (
              <ItemDetail
                key={row.item.imgId}
                row={row}
                metrics={metrics}
                weights={reward.weights}
                slot={slot}
                metric={shownMetric}
                onChoose={(toSlot, toMetric) => setChoice([toSlot, toMetric])}
              />
            )}
          </div>
        </div>
      )}
    </Page>
  );
}

function Summary({ shown: n, all, complete }: { shown: number; all: number; complete: boolean }) {
  if (all === 0) return <>Candidates beside the scene graph they were drawn from.</>;
  const those = n === all ? `${count(all)} annotations` : `${count(n)} of ${count(all)} annotations`;
  return <span role="status">{complete ? those : `${those}, loading …`}</span>;
}

interface ChoiceProps {
  label: string;
  value: string;
  of: readonly string[];
  onChange(value: string): void;
}

const Choice = ({ label, value, of, onChange }: ChoiceProps) => (
  <select aria-label={label} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
    <option value="">{`Any ${label.toLowerCase()}`}</option>
    {of.map((name) => (
      <option key={name} value={name}>
        {name}
      </option>
    ))}
  </select>
);

function ListRow({ row: { item, rewards, best, margin, disagreement }, sort }: { row: Row; sort: string }) {
  const facts: [string, string][] = [
    ['best', best === null ? '–' : shown(best)],
    sort === 'disagreement'
      ? ['disagree', `${Math.round(100 * disagreement)}%`]
      : ['margin', margin === null ? '–' : shown(margin)],
  ];
  return (
    <div class="list-row">
      <div class="thumbs">
        {item.candidates.map((image, i) => (
          <span key={image.id} class={rewards[i] !== null && rewards[i] === best ? 'best' : ''}>
            <Picture image={image} size={THUMB} alt="" />
          </span>
        ))}
      </div>
      <div class="words">
        <span class="prompt small">{item.prompt}</span>
        <span class="small faint number">
          {facts.map(([name, value]) => `${name} ${value}`).join(' · ')}
          {item.failed.length > 0 && <span class="missing"> · failed</span>}
        </span>
      </div>
    </div>
  );
}

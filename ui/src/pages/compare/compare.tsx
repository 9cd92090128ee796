/** Two models on the same prompts with the same seeds: what changed on the whole, and where most. */
import { useMemo, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { DEFAULT_REWARD, type RewardSettings, rewardOn } from '../../../../src/scoring/reward.ts';
import { useRunItems } from '../../api/run-items.ts';
import { CutNote } from '../../components/cut-note.tsx';
import { Empty } from '../../components/empty.tsx';
import { ErrorNote } from '../../components/error-note.tsx';
import { Page } from '../../components/page.tsx';
import { Picture } from '../../components/picture.tsx';
import { hasEvaluation, usePickedRun } from '../../components/run-picker.tsx';
import '../../components/split.css';
import { useKeys } from '../../components/use-keys.ts';
import { useScales } from '../../components/use-scales.ts';
import { VirtualList } from '../../components/virtual-list.tsx';
import { count, signed } from '../../format.ts';
import './compare.css';
import { Changes } from './changes.tsx';
import { type CompareRow, type Order, ordered, rowsOf } from './compared.ts';
import { NewComparison } from './new-comparison.tsx';
import { RowDetail, VIEWS, type View } from './row-detail.tsx';
import { type Side, sideKey, sideName, sidesOf } from './sides.ts';
import { useComparisons } from './use-comparisons.ts';

const [ROW_HEIGHT, THUMB] = [76, 52];
const NO_ROWS: readonly CompareRow[] = [];
const NAMES: Record<Order, string> = { wins: 'Biggest wins', losses: 'Biggest losses' };

export default function Compare() {
  const { query, route } = useLocation();
  const picked = usePickedRun(hasEvaluation);
  const [asking, setAsking] = useState(false);
  const [way, setWay] = useState<Way>({ metric: 'reward', order: 'wins', view: 'side by side' });
  // Of one annotation set: others have no prompt in common.
  const runs = (picked.runs ?? []).filter(({ annotationSet }) => annotationSet === picked.run?.annotationSet);
  const known = picked.run && !runs.some(({ id }) => id === picked.run!.id) ? [picked.run, ...runs] : runs;
  const sides = sidesOf(known);
  const side = (key: string | undefined, variant: Side['variant']) =>
    sides.find((one) => sideKey(one) === key) ??
    sides.find((one) => one.run.id === picked.run?.id && one.variant === variant);
  const [left, right] = [side(query.left, 'base'), side(query.right, 'tuned')];
  const choose = (name: 'left' | 'right', key: string) => {
    const to = new URLSearchParams({ run: picked.run!.id, left: sideKey(left!), right: sideKey(right!) });
    to.set(name, key);
    route(`/compare?${to}`, true);
  };
  return (
    <Page
      title="Compare"
      about="Two models on the same prompts with the same seeds."
      actions={
        <button class="button" type="button" onClick={() => setAsking(true)}>
          Compare two other models
        </button>
      }
    >
      {asking && <NewComparison onClose={() => setAsking(false)} />}
      <ErrorNote error={picked.error} />
      {picked.runs && !picked.run && (
        <Empty title="Nothing to compare yet">
          <p>
            Runs that train draw held-out prompts under the base and the tuned model. Start one, or compare
            two model folders.
          </p>
          <a class="button primary" href="/">
            Go to the runs
          </a>
        </Empty>
      )}
      {left && right && (
        <>
          <div class="sides">
            {(['left', 'right'] as const).map((name) => (
              <label key={name} class="field">
                <span class="label">{name === 'left' ? 'Left' : 'Right'}</span>
                <select
                  value={sideKey(name === 'left' ? left : right)}
                  onChange={(event) => choose(name, event.currentTarget.value)}
                >
                  {sides.map((one) => (
                    <option key={sideKey(one)} value={sideKey(one)}>
                      {sideName(one)}
                    </option>
                  ))}
                </select>
              </label>
            ))}
          </div>
          <Compared key={`${sideKey(left)} ${sideKey(right)}`} {...{ left, right, way }} onWay={setWay} />
        </>
      )}
    </Page>
  );
}

/** What is looked at and how; it stays when a side changes. */
interface Way {
  metric: string;
  order: Order;
  view: View;
  /** Left out: the first in the order. */
  imgId?: string;
}

interface ComparedProps {
  left: Side;
  right: Side;
  way: Way;
  onWay(way: Way): void;
}

function Compared({ left, right, way, onWay }: ComparedProps) {
  const before = useRunItems(left.run.id, left.variant);
  const after = useRunItems(right.run.id, right.variant);
  const complete = before.complete && after.complete;
  const { reward: settings = DEFAULT_REWARD, seed = 0 } = right.run.settings as {
    reward?: RewardSettings;
    seed?: number;
  };
  const all = useMemo(() => (complete ? [...before.items, ...after.items] : []), [complete]);
  const reward = useMemo(() => settings, [right.run.id]);
  const scales = useScales(reward, all);
  const rows = useMemo(
    () => (complete && scales ? rowsOf(before.items, after.items, rewardOn(reward, scales)) : NO_ROWS),
    [complete, scales, reward],
  );
  const comparisons = useComparisons(rows, seed);
  const names = Object.keys(comparisons);

  const { order, view } = way;
  // Two other sides may lack a metric.
  const name = names.includes(way.metric) ? way.metric : 'reward';
  const shown = useMemo(() => ordered(rows, name, order), [rows, name, order]);
  const at = Math.max(
    0,
    shown.findIndex(({ row }) => row.imgId === way.imgId),
  );
  const [slot, setSlot] = useState(0);
  const [swapped, setSwapped] = useState(false);
  /** On a narrow screen the list or the images are seen, not both. */
  const [open, setOpen] = useState(false);
  const row = shown[at]?.row;

  function select(index: number): void {
    const chosen = shown[Math.max(0, Math.min(shown.length - 1, index))];
    onWay({ ...way, imgId: chosen?.row.imgId });
    setSlot(0);
  }
  function sort(metric: string, to: Order): void {
    onWay({ metric, order: to, view });
    setSlot(0);
  }
  function look(next: View): void {
    setSwapped(next === 'flicker' && view === 'flicker' && !swapped);
    onWay({ ...way, view: next });
  }
  useKeys(({ key, repeat }) => {
    const views = Object.entries(VIEWS).find(([, { key: own }]) => own === key);
    if (key === 'j') select(at + 1);
    else if (key === 'k') select(at - 1);
    else if (key === 'w') sort(name, 'wins');
    else if (key === 'l') sort(name, 'losses');
    else if ((key === 'm' || key === 'M') && names.length > 0) {
      const step = key === 'm' ? 1 : names.length - 1;
      sort(names[(names.indexOf(name) + step) % names.length]!, order);
    } else if (/^[1-9]$/.test(key) && row && Number(key) <= row.matches.length) setSlot(Number(key) - 1);
    // Held down it would flash.
    else if (views && !repeat) look(views[0] as View);
    else return false;
    return true;
  });

  if (complete && rows.length === 0 && scales) {
    return (
      <Empty title="These two have no image of the same prompt">
        <p>
          Held-out prompts are drawn and scored after the training. Choose other sides, or look how far it is.
        </p>
        <a class="button" href={`/runs/${right.run.id}`}>
          See how far it is
        </a>
      </Empty>
    );
  }
  return (
    <>
      <CutNote cut={before.cut || after.cut} />
      <ErrorNote error={before.error ?? after.error} />
      {rows.length === 0 ? (
        <p class="soft small" role="status">
          Loading …
        </p>
      ) : (
        <>
          <Changes {...{ comparisons, name, rows }} onChoose={(by) => sort(by, order)} />
          <div class={`split compare ${open ? 'open' : ''}`}>
            <div class="panel list">
              <fieldset class="orders">
                <legend class="visually-hidden">Order</legend>
                {(Object.keys(NAMES) as Order[]).map((one) => (
                  <button
                    key={one}
                    class={one === order ? 'button primary' : 'button'}
                    type="button"
                    aria-pressed={one === order}
                    onClick={() => sort(name, one)}
                  >
                    {NAMES[one]} <kbd>{one[0]}</kbd>
                  </button>
                ))}
                <span class="small soft">{`of ${name}, ${count(rows.length)} prompts`}</span>
              </fieldset>
              <VirtualList
                label={`Prompts, ${NAMES[order].toLowerCase()} of ${name} first`}
                count={shown.length}
                rowHeight={ROW_HEIGHT}
                selected={at}
                onSelect={(index) => {
                  select(index);
                  setOpen(true);
                }}
                keyOf={(index) => shown[index]!.row.imgId}
                row={(index) => <ListRow {...shown[index]!} />}
              />
              <p class="keys small faint">
                <kbd>j</kbd> <kbd>k</kbd> prompt <kbd>f</kbd> flicker <kbd>d</kbd> difference <kbd>s</kbd>{' '}
                side by side <kbd>m</kbd> metric
              </p>
            </div>
            <div class="detail">
              <button class="button back" type="button" onClick={() => setOpen(false)}>
                ← All prompts
              </button>
              {row && (
                <RowDetail
                  key={row.imgId}
                  {...{ row, slot, names, name, left, right, view, swapped }}
                  onSlot={setSlot}
                  onView={look}
                  onChoose={(by) => sort(by, order)}
                />
              )}
            </div>
          </div>
        </>
      )}
    </>
  );
}

function ListRow({ row: { prompt, matches }, change }: { row: CompareRow; change: number | null }) {
  const { base, tuned } = matches[0]!;
  const tone = change === null || change === 0 ? 'faint' : change > 0 ? 'up' : 'down';
  return (
    <div class="compare-row">
      <Picture image={base} size={THUMB} alt="" />
      <Picture image={tuned} size={THUMB} alt="" />
      <span class="prompt small">{prompt}</span>
      <span class={`number small ${tone}`}>{change === null ? '–' : signed(change)}</span>
    </div>
  );
}

/** What the gallery's list shows of each annotation, and how it is sorted and filtered. Pure. */
import { mean } from '../../../../src/mean.ts';
import { type RewardScales, type RewardSettings, rewardOn } from '../../../../src/scoring/reward.ts';
import type { RunItem } from '../../api/client.ts';

export interface Row {
  item: RunItem;
  /** In the order of the candidates; null where a metric with a say is missing. */
  rewards: (number | null)[];
  /** Highest reward. */
  best: number | null;
  /** Highest less lowest reward. */
  margin: number | null;
  /** Share of the comparisons of two candidates in which two metrics order them the other way around. */
  disagreement: number;
}

export function rowsOf(items: readonly RunItem[], settings: RewardSettings, scales: RewardScales): Row[] {
  const reward = rewardOn(settings, scales);
  return items.map((item) => {
    const rewards = item.candidates.map(({ scores }) => reward(scores));
    const known = rewards.filter((value) => value !== null);
    const best = known.length === 0 ? null : Math.max(...known);
    return {
      item,
      rewards,
      best,
      margin: best === null ? null : best - Math.min(...known),
      disagreement: disagreement(item.candidates.map(({ scores }) => scores)),
    };
  });
}

/** Over all pairs of candidates and of metrics that both tell the candidates apart; 0 when there are none. */
export function disagreement(scores: readonly Readonly<Record<string, number>>[]): number {
  let [opposite, compared] = [0, 0];
  for (const [i, a] of scores.entries()) {
    for (const b of scores.slice(i + 1)) {
      let [up, down] = [0, 0];
      for (const [metric, value] of Object.entries(a)) {
        const other = b[metric];
        if (other === undefined || other === value) continue;
        if (value > other) up++;
        else down++;
      }
      opposite += up * down;
      compared += ((up + down) * (up + down - 1)) / 2;
    }
  }
  return compared === 0 ? 0 : opposite / compared;
}

export interface Filter {
  /** Every word must be in the prompt or the img_id. */
  text: string;
  label: string;
  relation: string;
  failed: boolean;
  /** What is sorted by must be so; null: it may be anything. */
  least: number | null;
  most: number | null;
}

export const NO_FILTER: Filter = {
  ...{ text: '', label: '', relation: '', failed: false },
  ...{ least: null, most: null },
};

/** `by` is what `least` and `most` are about, as in `sorted`. */
export function filtered(
  rows: readonly Row[],
  { text, label, relation, failed, least, most }: Filter,
  by: string,
): Row[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    const { item } = row;
    if (label && !item.labels.includes(label)) return false;
    if (relation && !item.relations.includes(relation)) return false;
    if (failed && item.failed.length === 0) return false;
    if (least !== null || most !== null) {
      const value = keyOf(row, by);
      if (value === null || value < (least ?? value) || value > (most ?? value)) return false;
    }
    const searched = `${item.imgId} ${item.prompt}`.toLowerCase();
    return words.every((word) => searched.includes(word));
  });
}

/** 'img_id', 'reward', 'margin', 'disagreement', or a metric: its mean over the candidates. */
export function sorted(rows: readonly Row[], by: string, descending: boolean): Row[] {
  if (by === 'img_id') return descending ? rows.toReversed() : [...rows];
  const keyed = rows.map((row) => ({ row, key: keyOf(row, by) }));
  // What has no key stands last either way.
  const direction = descending ? -1 : 1;
  keyed.sort((a, b) =>
    a.key === null || b.key === null
      ? Number(a.key === null) - Number(b.key === null)
      : direction * (a.key - b.key),
  );
  return keyed.map(({ row }) => row);
}

function keyOf(row: Row, by: string): number | null {
  if (by === 'reward') return row.best;
  if (by === 'margin') return row.margin;
  if (by === 'disagreement') return row.disagreement;
  const values = row.item.candidates.flatMap(({ scores }) => scores[by] ?? []);
  return values.length === 0 ? null : mean(values);
}

/** Every metric that some candidate has, by name. */
export const metricsOf = (items: readonly RunItem[]): string[] =>
  [
    ...new Set(items.flatMap(({ candidates }) => candidates.flatMap(({ scores }) => Object.keys(scores)))),
  ].sort();

/** Most frequent first. */
export function frequent(items: readonly RunItem[], of: 'labels' | 'relations'): string[] {
  const counts = new Map<string, number>();
  for (const item of items) for (const name of item[of]) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([name]) => name);
}

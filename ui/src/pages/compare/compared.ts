/** What two models made of the same prompts, side by side: rows, their changes, and the pixels that differ. Pure. */
import { type Matched, measured } from '../../../../src/evaluation/compare-metrics.ts';
import { mean } from '../../../../src/mean.ts';
import type { Reward } from '../../../../src/scoring/reward.ts';
import type { ItemCandidate, RunItem } from '../../api/client.ts';

/** An image with its reward; null where a metric with a say is missing. */
export type JudgedImage = ItemCandidate & { reward: number | null };

/** Images of one annotation and slot. `base` is the left side, `tuned` the right one, whatever models they are of. */
export interface Match extends Matched {
  base: JudgedImage;
  tuned: JudgedImage;
}

export interface CompareRow {
  imgId: string;
  prompt: string;
  /** In the order of their slots. */
  matches: Match[];
}

/** Annotations of which both sides have an image of some slot, in the order of the left side. */
export function rowsOf(left: readonly RunItem[], right: readonly RunItem[], reward: Reward): CompareRow[] {
  const others = new Map(right.map((item) => [item.imgId, item]));
  const judged = (image: ItemCandidate): JudgedImage => ({ ...image, reward: reward(image.scores) });
  return left.flatMap(({ imgId, prompt, candidates }) => {
    const matches = candidates.flatMap((base): Match[] => {
      const tuned = others.get(imgId)?.candidates.find(({ slot }) => slot === base.slot);
      return tuned ? [{ imgId, base: judged(base), tuned: judged(tuned) }] : [];
    });
    return matches.length > 0 ? [{ imgId, prompt, matches }] : [];
  });
}

/** Right less left; null where it was not measured on both. */
export function changeOf({ base, tuned }: Match, name: string): number | null {
  const [before, after] = [measured(base, name), measured(tuned, name)];
  return before === null || after === null ? null : after - before;
}

/** Mean change over the images of a row that have one. */
export function rowChange({ matches }: CompareRow, name: string): number | null {
  const changes = matches.flatMap((match) => changeOf(match, name) ?? []);
  return changes.length === 0 ? null : mean(changes);
}

export type Order = 'wins' | 'losses';

/** By how much `name` changed: the biggest win first, or the biggest loss; what has no change last either way. */
export function ordered(
  rows: readonly CompareRow[],
  name: string,
  order: Order,
): { row: CompareRow; change: number | null }[] {
  const direction = order === 'wins' ? -1 : 1;
  return rows
    .map((row) => ({ row, change: rowChange(row, name) }))
    .sort((a, b) =>
      a.change === null || b.change === null
        ? Number(a.change === null) - Number(b.change === null)
        : direction * (a.change - b.change),
    );
}

/**
 * Mean distance of the three colours, pixel by pixel, as grey: white is the greatest in the image. `left`, `right`: RGBA of equal
 * length; `greatest`: 0 to 255.
 */
export function difference(
  left: Uint8ClampedArray,
  right: Uint8ClampedArray,
): { pixels: Uint8ClampedArray<ArrayBuffer>; greatest: number } {
  const distances = new Float64Array(left.length / 4);
  for (let i = 0; i < distances.length; i++) {
    for (let c = 0; c < 3; c++) distances[i]! += Math.abs(left[4 * i + c]! - right[4 * i + c]!) / 3;
  }
  const greatest = distances.reduce((most, distance) => Math.max(most, distance), 0);
  const pixels = new Uint8ClampedArray(left.length);
  for (const [i, distance] of distances.entries()) {
    const grey = greatest === 0 ? 0 : (255 * distance) / greatest;
    pixels.set([grey, grey, grey, 255], 4 * i);
  }
  return { pixels, greatest };
}

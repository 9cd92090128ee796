/** What was measured, in the columns of the Inversion-DPO paper's tables 1 and 2. */
import type { Comparison } from './bootstrap.ts';

/** Between the images of one set and those of another. */
export interface FrechetResult {
  /** inception: the FID. */
  features: 'clip' | 'inception';
  of: string;
  against: string;
  distance: number;
  /** Images of either. */
  counts: [of: number, against: number];
  /** Of the tuned model's distance less the base's from the same set; null of the base's own, and of fewer than ten annotations. */
  interval95: Comparison['interval95'] | null;
}

export interface PaperColumn {
  name: string;
  /** Which way is better. */
  better: 'higher' | 'lower';
  base: number;
  tuned: number;
  /** Of tuned - base; null where there are too few annotations for one. */
  interval95: Comparison['interval95'] | null;
}

export interface PaperTable {
  title: string;
  columns: PaperColumn[];
}

/** Sets of fewer images make a Frechet distance larger than it is: their covariance has no full rank. */
export const ENOUGH_IMAGES = 2048;
/** Name of the photographs' set. */
export const REAL = 'real';

const TABLES: [title: string, metrics: Record<string, string>][] = [
  ['Text-to-image (table 1)', { pickscore: 'PickScore', 'clip-score': 'CLIP', aesthetic: 'Aesthetic' }],
  [
    'Composition (table 2)',
    {
      'clip-score': 'CLIP',
      'sg-iou': 'SG-IoU',
      'entity-iou': 'Entity-IoU',
      'relation-iou': 'Relation-IoU',
    },
  ],
];

/** A table has the columns that were measured. FID is the second's first, where there are photographs. */
export function paperTables(
  metrics: Readonly<Record<string, Comparison>>,
  frechet: readonly FrechetResult[],
): PaperTable[] {
  const fid = fidColumn(frechet);
  return TABLES.map(([title, names], i) => ({
    title,
    columns: [
      ...(i === 1 && fid ? [fid] : []),
      ...Object.entries(names).flatMap(([metric, name]): PaperColumn[] => {
        const measured = metrics[metric];
        if (!measured) return [];
        const { base, tuned, interval95 } = measured;
        return [{ name, better: 'higher', base, tuned, interval95 }];
      }),
    ],
  }));
}

function fidColumn(frechet: readonly FrechetResult[]): PaperColumn | null {
  const [base, tuned] = ['base', 'tuned'].map((side) =>
    frechet.find(({ features, of, against }) => features === 'inception' && of === side && against === REAL),
  );
  if (!base || !tuned) return null;
  const { interval95 } = tuned;
  return { name: 'FID', better: 'lower', base: base.distance, tuned: tuned.distance, interval95 };
}

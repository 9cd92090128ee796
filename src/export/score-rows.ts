/** A row per candidate and metric: what is left of an export without its images. */
import { type Of, type Row, rowOf } from './table.ts';

export interface ScoredImage {
  imgId: string;
  slot: number;
  sha256: string;
  scores: Record<string, number>;
}

interface ScoreSource extends ScoredImage {
  metric: string;
}

export const SCORE_COLUMNS: readonly Of<ScoreSource>[] = [
  { name: 'annotation_id', type: 'string', about: 'img_id of the LAION-SG annotation', of: (s) => s.imgId },
  { name: 'image_index', type: 'int32', about: 'slot of the candidate', of: (s) => s.slot },
  { name: 'sha256', type: 'string', about: 'hash of the image file', of: (s) => s.sha256 },
  { name: 'metric', type: 'string', about: 'metric', of: (s) => s.metric },
  { name: 'value', type: 'float64', about: 'raw value', of: (s) => s.scores[s.metric] },
];

/** In the order of the metrics' names. */
export const scoreRows = (image: ScoredImage): Row[] =>
  Object.keys(image.scores)
    .sort()
    .map((metric) => rowOf(SCORE_COLUMNS, { ...image, metric }));

/** What a metric is, and what is stored of its result. */
import type { Annotation } from '../annotations/annotation.ts';
import type { RgbImage } from '../engine/image.ts';
import type { ScoringPorts } from './ports.ts';

/** fixed: known defects mended (default); compat: bug for bug like the published code. */
export const SCORING_MODES = ['fixed', 'compat'] as const;
export type ScoringMode = (typeof SCORING_MODES)[number];

export interface Subject {
  annotation: Annotation;
  image: RgbImage;
}

export interface Score {
  metric: string;
  version: string;
  mode: ScoringMode;
  value: number;
  /** Which questions were answered how, which boxes were found: plain JSON. */
  evidence: Record<string, unknown>;
}

export interface Metric {
  name: string;
  /** Raised whenever a value could change. */
  version: string;
  /** One value and evidence per subject; null where the metric says nothing about it. */
  score(
    subjects: readonly Subject[],
    ports: ScoringPorts,
    mode: ScoringMode,
  ): Promise<({ value: number; evidence: Record<string, unknown> } | null)[]>;
}

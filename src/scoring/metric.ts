/** What a metric is, and what is stored of its result. */
import type { Annotation } from '../annotations/annotation.ts';
import type { RgbImage } from '../engine/image.ts';
import { DiptychError } from '../errors.ts';
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

/** null: the metric says nothing about the subject. */
export type Measurement = { value: number; evidence: Record<string, unknown> } | { failed: string } | null;

export interface Metric {
  name: string;
  /** Raised whenever a value could change. */
  version: string;
  /** One per subject, in order. */
  score(subjects: readonly Subject[], ports: ScoringPorts, mode: ScoringMode): Promise<Measurement[]>;
}

/** Measures subjects beside each other. One that fails alone (DIPTYCH_ITEM_FAILED) leaves its reason; more is thrown. */
export function measureEach(
  subjects: readonly Subject[],
  measure: (subject: Subject) => Promise<Measurement>,
): Promise<Measurement[]> {
  return Promise.all(
    subjects.map((subject) =>
      measure(subject).catch((thrown: unknown) => {
        if (thrown instanceof DiptychError && thrown.code === 'DIPTYCH_ITEM_FAILED') {
          return { failed: thrown.message };
        }
        throw thrown;
      }),
    ),
  );
}

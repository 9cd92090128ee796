/** What an export is made of: one annotation with its candidates at a time, in the order of img_id. */
import type { Annotation } from '../annotations/annotation.ts';
import { hashSeed } from '../random.ts';
import type { Generation } from '../store/candidates.ts';

export interface ExportCandidate {
  slot: number;
  /** Null where it is unknown. */
  seed: number | null;
  sha256: string;
  width: number;
  height: number;
  generation: Generation;
  scores: Record<string, number>;
  /** Null where a metric with a say is missing. */
  reward: number | null;
}

export interface ExportAnnotation {
  imgId: string;
  body: Annotation;
  prompt: string;
  candidates: ExportCandidate[];
}

/** Groups rows that arrive in order of annotation. */
export async function* grouped<T extends { imgId: string }>(rows: AsyncIterable<T>): AsyncGenerator<T[]> {
  let group: T[] = [];
  for await (const row of rows) {
    if (group.length > 0 && group[0]!.imgId !== row.imgId) {
      yield group;
      group = [];
    }
    group.push(row);
  }
  if (group.length > 0) yield group;
}

export const SPLITS = ['train', 'validation'] as const;
export type Split = (typeof SPLITS)[number];

/** One annotation in ten is for validation. By annotation: its images and pairs never stand on both sides. */
export function splitOf(imgId: string): Split {
  return hashSeed('export-split', imgId) % 10 === 0 ? 'validation' : 'train';
}

/** Name of an image that says what it is of. */
export const imageUid = (imgId: string, slot: number) => `${imgId}-${slot}`;

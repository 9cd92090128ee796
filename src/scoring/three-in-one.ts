/** T2I-CompBench's 3-in-1 score: which of BLIP-VQA, 2D spatial and CLIP count for an image (3_in_1_eval/3_in_1.py). */
import type { Annotation } from '../annotations/annotation.ts';
import type { ScoringMode } from './metric.ts';
import { directionOf, PUBLISHED_PHRASES } from './spatial-relation.ts';

export type ThreeInOneRule = 'spatial' | 'action' | 'thirds';

/** null: no spatial relation was found to measure. */
export interface ThreeParts {
  blip: number;
  spatial: number | null;
  clip: number;
}

export function threeInOne(
  annotation: Annotation,
  parts: ThreeParts,
  mode: ScoringMode,
): { value: number; rule: ThreeInOneRule } {
  const rule = ruleOf(annotation, parts, mode);
  return { value: combined(rule, parts), rule };
}

/** Spatial: (2D + BLIP) / 2; action: (CLIP + BLIP) / 2; else the mean of all three. A missing 2D score is 0. */
export function combined(rule: ThreeInOneRule, { blip, spatial, clip }: ThreeParts): number {
  const place = spatial ?? 0;
  if (rule === 'spatial') return (place + blip) / 2;
  return rule === 'action' ? (clip + blip) / 2 : (blip + place + clip) / 3;
}

/**
 * A complex prompt of the benchmark has the rule of the list it is in. Of other graphs fixed decides by the relations;
 * compat knows the benchmark's own prompts only, so that every graph is an "other".
 */
function ruleOf(
  { benchmark, relations }: Annotation,
  { spatial }: ThreeParts,
  mode: ScoringMode,
): ThreeInOneRule {
  if (benchmark?.name === 't2i-compbench' && benchmark.category === 'complex')
    return complexRule(benchmark.prompt);
  if (mode === 'compat') return 'thirds';
  if (spatial === null) return 'action';
  const allSpatial = relations.every(({ relation }) => directionOf(relation, mode) !== undefined);
  return allSpatial ? 'spatial' : 'thirds';
}

/**
 * Which of the files complex_val_spatial, _action and _spatialaction a prompt stands in, told by its words: where
 * something "is on top of" something it is the first, where it "sat next to" it the last. Right for all of the 300
 * published prompts but one, which names no place by these words and is in the last file.
 */
export function complexRule(prompt: string): ThreeInOneRule {
  const plain = prompt.split('.')[0]!.toLowerCase();
  const named = PUBLISHED_PHRASES.filter((phrase) => plain.includes(phrase));
  if (named.length === 0) return 'action';
  const stated = named.some((phrase) =>
    ['is', 'was', 'are', 'were'].some((verb) => ` ${plain}`.includes(` ${verb} ${phrase}`)),
  );
  return stated ? 'spatial' : 'thirds';
}

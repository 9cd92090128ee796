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

/** Spatial prompts (2D + BLIP) / 2, action prompts (CLIP + BLIP) / 2, others the mean of all three, a missing 2D as 0. */
export function threeInOne(
  annotation: Annotation,
  parts: ThreeParts,
  mode: ScoringMode,
): { value: number; rule: ThreeInOneRule } {
  const { blip, clip } = parts;
  const spatial = parts.spatial ?? 0;
  const rule = ruleOf(annotation, parts, mode);
  const values = { spatial: (spatial + blip) / 2, action: (clip + blip) / 2, thirds: (blip + spatial + clip) / 3 };
  return { value: values[rule], rule };
}

/**
 * A complex prompt of the benchmark has the rule of the list it is in. Of other graphs fixed decides by the relations;
 * compat knows the benchmark's own prompts only, so that every graph is an "other".
 */
function ruleOf({ benchmark, relations }: Annotation, { spatial }: ThreeParts, mode: ScoringMode): ThreeInOneRule {
  if (benchmark?.name === 't2i-compbench' && benchmark.category === 'complex') return complexRule(benchmark.prompt);
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

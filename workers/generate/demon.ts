/** An evaluation's sampling demon as plain data for the numeric thread: what it goes by, and by which settings. */
import type { RunSettings } from '../../pipelines/settings.ts';
import type { DemonSettings } from '../../src/diffusion/demon.ts';
import type { StoredAnnotation } from '../../src/store/annotations.ts';
import { allMetrics } from '../../src/store/candidates.ts';
import { judgeArgument } from '../judge-argument.ts';
import type { JudgeArgument } from '../numeric/methods.ts';
import type { Tools } from '../process.ts';
import { trainedOn } from '../trained-on.ts';

export interface Demon {
  settings: DemonSettings;
  judge: JudgeArgument;
}

/**
 * Images are measured as the run measures them when it scores; z-scores are over the candidates that `trained`, the run that
 * trained the model, took. Of two folders nobody knows such candidates: `trained` is null, and planRun refuses z-scores.
 */
export async function demonOf(
  { store, places }: Pick<Tools, 'store' | 'places'>,
  run: RunSettings,
  settings: DemonSettings,
  trained: string | null,
  annotations: readonly StoredAnnotation[],
): Promise<Demon> {
  const set = trained === null ? [] : allMetrics(store, (await trainedOn(store, trained)).curated, 'curated');
  return {
    settings,
    judge: await judgeArgument(places, run, run.reward, set, annotations),
  };
}

/** Everything that decides which noise it takes for an annotation. */
export function demonRequest({ settings, judge }: Demon, imgId: string): unknown[] {
  const { folders, annotations, ...goesBy } = judge;
  // Where answers are kept decides nothing.
  const { answers: _, ...scorers } = folders;
  return [settings, goesBy, scorers, annotations[imgId]];
}

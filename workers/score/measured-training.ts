/** What was measured while a run trained, for the report. */
import { readFile } from 'node:fs/promises';
import type { ReportValidation } from '../../src/evaluation/report.ts';
import { validationCurves } from '../../src/evaluation/validation-curves.ts';
import type { Alarm } from '../../src/training/telemetry/alarms.ts';
import { rewardWatch } from '../../src/training/validation/validation-alarm.ts';
import { bestStep } from '../../src/training/validation/validation-entry.ts';
import { gridFile, readValidation } from '../../src/training/validation/validation-files.ts';

/** Null when nothing was. Grids are those of the base, the best and the last step. */
export async function measuredTraining(
  trainFolder: string,
  seed: number,
): Promise<(ReportValidation & { alarms: Alarm[] }) | null> {
  const entries = await Array.fromAsync(readValidation(trainFolder));
  if (entries.length === 0) return null;
  const best = bestStep(entries);
  const shown = new Set([0, ...(best === null ? [] : [best]), entries.at(-1)!.step]);
  const watch = rewardWatch();
  return {
    curves: validationCurves(entries, seed),
    bestStep: best,
    grids: await Promise.all(
      [...shown].map(async (step) => ({ step, png: await readFile(gridFile(trainFolder, step)) })),
    ),
    alarms: entries.flatMap((entry) => watch(entry)),
  };
}

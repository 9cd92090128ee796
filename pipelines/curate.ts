/** curate: images, scores, files. */
import type { StagePlan } from '../src/jobs/runs.ts';
import { exportStage, generateStage, type PlanInput, scoreStage } from './stages.ts';

export function curate({ settings, curated }: PlanInput): StagePlan[] {
  return [
    generateStage('generate', curated, settings.candidates, ['curated']),
    scoreStage('score', curated, settings.candidates, ['curated']),
    exportStage(curated.length),
  ];
}

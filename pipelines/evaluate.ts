/** evaluate: held-out annotations under the base and the tuned model, with equal seeds. */
import type { StagePlan } from '../src/jobs/runs.ts';
import { generateStage, type PlanInput, reportStage, scoreStage } from './stages.ts';

export function evaluate({ settings, heldOut }: PlanInput): StagePlan[] {
  const { samples } = settings.evaluation;
  return [
    generateStage('evaluate: generate', heldOut, samples, ['base', 'tuned']),
    scoreStage('evaluate: score', heldOut, samples, ['base', 'tuned']),
    reportStage(),
  ];
}

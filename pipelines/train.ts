/** train: preference training on the scored candidates of another run (`sourceRun`), or of this one. */
import type { StagePlan } from '../src/jobs/runs.ts';
import { type PlanInput, trainStage } from './stages.ts';

export function train(input: PlanInput): StagePlan[] {
  return [trainStage(input)];
}
